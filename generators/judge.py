"""How well a picture fits a caption: a small image-text model that measures sprites and draws none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from generators.bundle import SIZES_PX, WEIGHTS_FOLDER, check_digest
from generators.errors import WeightsUnavailable
from generators.text_encoder import STATE_WIDTH

JUDGE_FOLDER = WEIGHTS_FOLDER / "judge"
CONFIG, WEIGHTS = "config.json", "model.safetensors"
CELLS = 16  # a side, that pictures of every size enter as
LARGEST_SCALE = 100.0  # of the learned temperature, as in CLIP (Radford et al. 2021, section 2.5)
PICTURES_AT_ONCE = 64


@dataclass(frozen=True)
class JudgeShape:
    """``widths``: channels at 16x16 and at 8x8 cells; ``features``: how long a feature vector is."""

    widths: tuple[int, int] = (96, 176)
    features: int = 128
    text_width: int = 256
    text_state: int = STATE_WIDTH


class Block(nn.Module):
    """Two convolutions and a bridge (He et al. 2015), b c h w."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.before, self.between = nn.GroupNorm(8, width), nn.GroupNorm(8, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.second(F.relu(self.between(self.first(F.relu(self.before(x))))))


class Judge(nn.Module):
    """Image and text features in one space, trained to agree (InfoNCE; Radford et al. 2021, figure 3).

    Pictures of 32 and of 64 px enter by a stem of their own, so that both become 16x16 cells. Captions enter as the
    token states that the sprite networks read, and a learned attention pools them.
    """

    def __init__(self, shape: JudgeShape | None = None) -> None:
        super().__init__()
        self.shape = shape or JudgeShape()
        small, large = self.shape.widths
        self.stems = nn.ModuleDict(
            {str(size): nn.Conv2d(4 * (size // CELLS) ** 2, small, 3, padding=1) for size in SIZES_PX}
        )
        self.trunk = nn.Sequential(
            Block(small),
            Block(small),
            nn.Conv2d(small, large, 2, stride=2),
            Block(large),
            Block(large),
            nn.GroupNorm(8, large),
            nn.ReLU(),
        )
        self.drop = nn.Dropout(0.2)
        self.picture_out = nn.Linear(2 * large, self.shape.features)
        width = self.shape.text_width
        self.words = nn.Linear(self.shape.text_state, width)
        self.attention = nn.Linear(width, 4)  # four heads, each with its own eye for what matters
        self.text_out = nn.Linear(4 * width, self.shape.features)
        self.scale = nn.Parameter(torch.tensor(np.log(14.0), dtype=torch.float32))

    def pictures(self, pixels: torch.Tensor) -> torch.Tensor:
        """Premultiplied pixels (b 4 s s, in [-1, 1], s of 32 or 64) -> unit vectors (b features).

        Raises ValueError for another size.
        """
        if pixels.shape[-1] not in SIZES_PX or pixels.shape[-2] != pixels.shape[-1]:
            raise ValueError(f"the judge sees pictures of 32 or 64 px, not {tuple(pixels.shape[-2:])}")
        size = pixels.shape[-1]
        cells = F.pixel_unshuffle(pixels, size // CELLS).contiguous(memory_format=torch.channels_last)
        seen = self.trunk(self.stems[str(size)](cells))
        pooled = torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1)
        return F.normalize(self.picture_out(self.drop(pooled)).float(), dim=-1)

    def captions(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Token states (b n 384) and their mask (b n) -> unit vectors (b features)."""
        words = F.gelu(self.words(self.drop(states)))
        weights = self.attention(words).float().masked_fill(mask[..., None] == 0, float("-inf")).softmax(1)
        pooled = torch.einsum("bnh,bnc->bhc", weights.to(words.dtype), words).flatten(1)
        return F.normalize(self.text_out(self.drop(pooled)).float(), dim=-1)

    def temperature(self) -> torch.Tensor:
        """What cosines are multiplied by before a softmax."""
        return self.scale.exp().clamp(max=LARGEST_SCALE)

    @torch.inference_mode()
    def see(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pixels (b s s 4, uint8, straight alpha, s of 32 or 64) -> unit vectors (b features)."""
        parts = [
            self.pictures(premultiplied(pixels[begin : begin + PICTURES_AT_ONCE])).numpy()
            for begin in range(0, len(pixels), PICTURES_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.shape.features), np.float32)

    @torch.inference_mode()
    def read(self, states: torch.Tensor, mask: torch.Tensor) -> NDArray[np.float32]:
        """As ``captions``, in NumPy."""
        return self.captions(states.float(), mask).numpy()


def premultiplied(pixels: NDArray[np.uint8]) -> torch.Tensor:
    """Pixels (b h w 4, uint8, straight alpha) -> premultiplied, b 4 h w, float32 in [-1, 1]."""
    scaled = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 255
    return torch.cat([scaled[:, :3] * scaled[:, 3:], scaled[:, 3:]], 1) * 2 - 1


def load_judge(folder: Path = JUDGE_FOLDER) -> Judge:
    """The judge of a folder, in float32 on the CPU, after checking its weights against the digest in its config.

    Raises WeightsUnavailable where a file is missing, altered or of another shape.
    """
    config = read_config(folder)
    try:
        shape = JudgeShape(**{**config["shape"], "widths": tuple(config["shape"]["widths"])})
        check_digest(folder / WEIGHTS, config["files"][WEIGHTS])
        judge = Judge(shape)
        judge.load_state_dict({name: value.float() for name, value in load_file(folder / WEIGHTS).items()})
    except (KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise WeightsUnavailable(f"The judge in {folder} is damaged; reinstall Lorespark.") from error
    return judge.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def read_config(folder: Path = JUDGE_FOLDER) -> Mapping[str, Any]:
    """The judge's shape, digests and its own score. Raises WeightsUnavailable where it cannot be read."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsUnavailable(
            f"The judge's {CONFIG} in {folder} is missing or damaged; reinstall Lorespark."
        ) from error
    if not isinstance(config, dict):
        raise WeightsUnavailable(f"The judge's {CONFIG} in {folder} is damaged; reinstall Lorespark.")
    return config


def right_shares(
    own: NDArray[np.floating], others: NDArray[np.floating], rivals: NDArray[np.bool_], of: int = 32
) -> NDArray[np.float64]:
    """The chance that each picture's own caption wins among ``of``, the rest drawn at random from its rivals.

    ``own``: how well each picture (b) fits its caption; ``others``: how well it fits all captions (b n); ``rivals``:
    which of those compete (b n). With k of its m rivals as good or better, the chance is C(m - k, of - 1) over
    C(m, of - 1): the mean of all draws, without drawing. Raises ValueError where a picture has too few rivals.
    """
    count = rivals.sum(1)
    if len(count) and count.min() < of - 1:
        raise ValueError(f"{of} captions were asked for, and a picture has {count.min()} rivals for its own")
    better = ((others >= own[:, None]) & rivals).sum(1)
    picks = np.arange(of - 1)
    chances = np.clip(count[:, None] - better[:, None] - picks, 0, None) / (count[:, None] - picks)
    return np.asarray(np.prod(chances, axis=1))
