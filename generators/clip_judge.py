"""What a clip shows and which way a picture faces: a small network that measures clips and draws none."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from generators.bundle import WEIGHTS_FOLDER, check_digest
from generators.errors import WeightsUnavailable
from generators.judge import CONFIG, WEIGHTS, Block, premultiplied, read_config
from generators.motion import ACTIONS

CLIP_JUDGE_FOLDER = WEIGHTS_FOLDER / "clip-judge"
FRAMES, SIDE_PX = 8, 64  # of the clips that it sees
CELL_PX = 4  # a side, that become the channels of one cell
CLIPS_AT_ONCE = 16


class TimeMix(nn.Module):
    """Two convolutions along the frames of each place, and a bridge (He et al. 2015)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, (3, 1), padding=(1, 0)) for _ in range(2))
        self.before, self.between = nn.GroupNorm(8, width), nn.GroupNorm(8, width)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """``x``: (b f) c h w, the frames of a clip one after another; so is the result."""
        count, channels, height, width = x.shape
        along = x.view(count // frames, frames, channels, height * width).transpose(1, 2)
        mixed = self.first(F.relu(self.before(along)))
        along = along + self.second(F.relu(self.between(mixed)))
        return along.transpose(1, 2).reshape(count, channels, height, width)


class ClipJudge(ModelMixin, ConfigMixin):
    """Two networks that share nothing: one reads a clip's action, the other which way a single picture faces.

    The first sees every frame beside the picture that the clip started from. It has one answer more than there are
    ``names`` of actions: that nothing moves. The second takes what it finds in a picture from what it finds in the
    mirror image, so that both always get opposite answers and a symmetric picture gets none.
    """

    @register_to_config
    def __init__(
        self,
        names: Sequence[str] = tuple(ACTIONS),
        widths: Sequence[int] = (64, 128),
        features: int = 96,
        facing_widths: Sequence[int] = (48, 96),
    ) -> None:
        super().__init__()
        self.names = tuple(names)
        pixels = 4 * CELL_PX**2
        small, large = widths
        self.near = nn.Sequential(
            nn.Conv2d(2 * pixels, small, 3, padding=1),
            Block(small),
            nn.Conv2d(small, large, 2, stride=2),
            Block(large),
        )
        self.time = TimeMix(large)
        self.far = nn.Sequential(Block(large), nn.GroupNorm(8, large), nn.ReLU())
        self.drop = nn.Dropout(0.2)
        self.told = nn.Linear(2 * large, features)
        self.order = nn.Conv1d(features, features, 3, padding=1)
        self.action_out = nn.Linear(FRAMES * features, len(self.names) + 1)
        small, large = facing_widths
        self.profile = nn.Sequential(
            nn.Conv2d(pixels, small, 3, padding=1),
            Block(small),
            nn.Conv2d(small, large, 2, stride=2),
            Block(large),
            nn.GroupNorm(8, large),
            nn.ReLU(),
        )
        columns = SIDE_PX // CELL_PX // 2
        self.side = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(2 * large * columns, 64), nn.GELU(), nn.Dropout(0.3), nn.Linear(64, 1)
        )

    def forward(self, frames: Tensor, references: Tensor) -> Tensor:
        """Logits of the actions, and last of nothing moving (b n+1).

        ``frames``: b 8 4 64 64; ``references``: b 4 64 64; premultiplied, in [-1, 1].
        """
        clips, count = frames.shape[:2]
        given = F.pixel_unshuffle(references, CELL_PX).repeat_interleave(count, 0)
        cells = torch.cat([F.pixel_unshuffle(frames.flatten(0, 1), CELL_PX), given], 1)
        near = self.near(cells.contiguous(memory_format=torch.channels_last))
        seen = self.far(self.time(near, count).contiguous(memory_format=torch.channels_last))
        pooled = self.told(self.drop(torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1)))
        steps = F.gelu(pooled).view(clips, count, -1).transpose(1, 2)
        steps = steps + F.gelu(self.order(steps))
        return self.action_out(self.drop(steps.flatten(1))).float()

    def facing(self, pictures: Tensor) -> Tensor:
        """The logit of each picture (b 4 64 64, premultiplied, in [-1, 1]) facing left (b)."""
        return self._rightness(pictures.flip(-1)) - self._rightness(pictures)

    def _rightness(self, pictures: Tensor) -> Tensor:
        cells = F.pixel_unshuffle(pictures, CELL_PX).contiguous(memory_format=torch.channels_last)
        seen = self.profile(cells)
        return self.side(torch.cat([seen.mean(2), seen.amax(2)], 1).flatten(1))[:, 0].float()

    @torch.inference_mode()
    def actions(self, clips: NDArray[np.uint8], references: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The chance of each action of ``names`` (b n); what a row lacks to 1 is the chance that nothing moves.

        ``clips``: b 8 64 64 4, ``references``: b 64 64 4, the pictures that they started from; uint8, straight alpha.
        A loop's frames are at k/8 of it, those of anything else at k/7. Raises ValueError for other shapes.
        """
        if clips.shape[1:] != (FRAMES, SIDE_PX, SIDE_PX, 4) or references.shape != (
            len(clips),
            *clips.shape[2:],
        ):
            raise ValueError(
                f"The judge sees clips of {FRAMES} frames of {SIDE_PX} px, each with its first picture, not "
                f"{clips.shape[1:]} with {references.shape[1:]}."
            )
        parts = [np.zeros((0, len(self.names)), np.float32)]
        for begin in range(0, len(clips), CLIPS_AT_ONCE):
            some = clips[begin : begin + CLIPS_AT_ONCE]
            frames = premultiplied(some.reshape(-1, *some.shape[2:])).unflatten(0, some.shape[:2])
            given = premultiplied(references[begin : begin + CLIPS_AT_ONCE])
            parts.append(self(frames, given).softmax(1)[:, :-1].numpy())
        return np.concatenate(parts)

    @torch.inference_mode()
    def faces_left(self, picture: NDArray[np.uint8]) -> float:
        """The chance that what ``picture`` (64 64 4, uint8, straight alpha) shows faces left rather than right.

        Near one half it is unclear, as for a figure seen from the front. Raises ValueError for another size.
        """
        if picture.shape != (SIDE_PX, SIDE_PX, 4):
            raise ValueError(f"The judge sees pictures of {SIDE_PX} px, not {picture.shape}.")
        return float(self.facing(premultiplied(picture[None])).sigmoid())

    @classmethod
    def load(cls, folder: Path = CLIP_JUDGE_FOLDER) -> "ClipJudge":
        """The judge of a folder, in float32 on the CPU, after checking its weights against the digest in its config.

        Raises WeightsUnavailable where a file is missing, altered or of another shape.
        """
        config = read_config(folder)
        try:
            check_digest(folder / WEIGHTS, config["files"][WEIGHTS])
            judge = cls(**config["shape"])
            judge.load_state_dict(
                {name: value.float() for name, value in load_file(folder / WEIGHTS).items()}
            )
        except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
            raise WeightsUnavailable(
                f"The clip judge in {folder} is damaged; reinstall Lorespark."
            ) from error
        judge = judge.to(memory_format=torch.channels_last).eval()
        judge.requires_grad_(False)
        return judge


def clip_judge_digest(folder: Path = CLIP_JUDGE_FOLDER) -> str:
    """Of the weights, as the folder's config states it. Raises WeightsUnavailable where it states none."""
    try:
        return str(read_config(folder)["files"][WEIGHTS])
    except (KeyError, TypeError) as error:
        raise WeightsUnavailable(
            f"The clip judge's {CONFIG} in {folder} is damaged; reinstall Lorespark."
        ) from error
