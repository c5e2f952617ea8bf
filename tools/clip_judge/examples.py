"""Training batches of the clip judge: varied clips with their action, and pictures that face right or left."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from generators.clip_judge import FRAMES
from generators.motion import ACTIONS
from generators.sprite_pipeline import PATCH_PX, premultiplied, straight_alpha
from tools.clip_judge.split import group_of
from tools.clips.dataset import ClipSet, Row

# How often each kind is drawn; within one, each action by the root of how many sequences it has.
KIND_SHARES = {
    "unit": 0.52,
    "ninja": 0.08,
    "doll": 0.1,
    "monster": 0.1,
    "item": 0.13,
    "tile": 0.04,
    "icon": 0.03,
}
FACING_KINDS = ("unit", "ninja")  # whose side views all face right; the others face as their artist liked
CLIPS, PICTURES = 16, 64  # a batch
STILL_SHARE = 1 / 14  # of the clips: a picture that does not move, as often as an action
SOFT_SHARE = 0.3  # drawn through the autoencoder, so that softness says nothing about what is shown
SOFT_NOISE = 0.3  # at most, on the latents
HARD_SHARE = 0.7  # of those: with an outline of whole pixels, as clips are finished
MIRRORED_SHARE = 0.3
MOST_SHIFT_PX = 4


@dataclass(frozen=True)
class Examples:
    """``clips``: b 8 4 64 64 with their ``references`` b 4 64 64 and ``actions`` b, where the number of actions stands
    for nothing moving; ``pictures``: p 4 64 64, of which ``left`` (p, 0 or 1) face left. All premultiplied."""

    clips: torch.Tensor
    references: torch.Tensor
    actions: torch.Tensor
    pictures: torch.Tensor
    left: torch.Tensor


class ExampleSet:
    """Draws batches from the sequences that the judge may see; the batch of a step is always the same.

    ``latents``: n 16 16 16, of each distinct picture; ``vae`` decodes them.
    """

    def __init__(self, made: ClipSet, latents: torch.Tensor, vae: AutoencoderTiny, seed: int) -> None:
        self._made, self._latents, self._seed = made, latents, seed
        self._decoder = vae.decoder.to(torch.bfloat16).to(memory_format=torch.channels_last).eval()
        self.rows = [row for row in made.rows if group_of(row) == "training"]
        self._cumulative = np.cumsum(_weights(self.rows))
        sides = [row for row in self.rows if row.kind in FACING_KINDS and row.direction == "right"]
        by_subject: dict[str, list[Row]] = {}
        for row in sides:
            by_subject.setdefault(row.subject, []).append(row)
        self._sides = list(by_subject.values())

    def examples(self, step: int, clips: int = CLIPS, pictures: int = PICTURES) -> Examples:
        """The batch of ``step``."""
        draw = np.random.default_rng((self._seed, step))
        at = np.searchsorted(self._cumulative, draw.random(clips) * self._cumulative[-1], side="right")
        chosen = [self.rows[i] for i in at]
        still = draw.random(clips) < STILL_SHARE
        indices = [
            [int(draw.choice(row.references)), *self._played(row, draw, bool(stays))]
            for row, stays in zip(chosen, still, strict=True)
        ]
        made = [self._seen(one, draw, row.kind == "tile") for one, row in zip(indices, chosen, strict=True)]
        actions = [
            len(ACTIONS) if stays else list(ACTIONS).index(row.action)
            for row, stays in zip(chosen, still, strict=True)
        ]
        shown, left = self._facing(draw, pictures)
        batch = torch.stack(made)
        return Examples(batch[:, 1:], batch[:, 0], torch.tensor(actions), shown, left)

    def _played(self, row: Row, draw: np.random.Generator, still: bool) -> list[int]:
        """Which pictures the clip shows, its frames a little early or late; a still one shows one of them."""
        if still:
            return [row.frames[int(draw.integers(len(row.frames)))]] * FRAMES
        return [row.frames[i] for i in played(row, draw)]

    def _facing(self, draw: np.random.Generator, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        left = draw.random(count) < 0.5
        made = []
        for mirrored in left:
            rows = self._sides[int(draw.integers(len(self._sides)))]
            row = rows[int(draw.integers(len(rows)))]
            # Resting pictures most of all: what is asked about is a picture that will be set in motion.
            of = row.references if draw.random() < 0.7 or row.action == "die" else row.frames
            made.append(self._seen([int(draw.choice(of))], draw, False, mirrored=bool(mirrored))[0])
        return torch.stack(made), torch.from_numpy(left.astype(np.float32))

    def _seen(
        self, indices: list[int], draw: np.random.Generator, tile: bool, mirrored: bool | None = None
    ) -> torch.Tensor:
        """The pictures at ``indices`` (f 4 64 64), varied alike: softened, moved, recoloured, mirrored."""
        if draw.random() < SOFT_SHARE:
            pixels = premultiplied(self._soft(indices, draw))
        else:
            pixels = premultiplied(np.stack([self._made.pixels[i] for i in indices]))
        mirror = draw.random() < MIRRORED_SHARE
        return varied(pixels, draw, tile, mirror if mirrored is None else mirrored)

    @torch.inference_mode()
    def _soft(self, indices: list[int], draw: np.random.Generator) -> NDArray[np.uint8]:
        """The pictures as a network of latents would give them (f 64 64 4)."""
        distinct, places = np.unique(indices, return_inverse=True)
        latents = self._latents[torch.from_numpy(distinct)].float()
        strength = draw.random() * SOFT_NOISE
        # Most of the noise is the same in all frames, as in what a clip network draws; the rest flickers.
        shared = draw.standard_normal((1, *latents.shape[1:])) * 0.8
        noise = shared + 0.6 * draw.standard_normal(latents.shape)
        noisy = latents + strength * torch.from_numpy(noise.astype(np.float32))
        cells = self._decoder(noisy.to(torch.bfloat16).contiguous(memory_format=torch.channels_last))
        pixels = straight_alpha(torch.nn.functional.pixel_shuffle(cells.float().contiguous(), PATCH_PX))
        if draw.random() < HARD_SHARE:
            pixels[..., 3] = np.where(pixels[..., 3] < 128, 0, 255)
        return pixels[places]


def played(row: Row, draw: np.random.Generator) -> NDArray[np.int_]:
    """Which of a sequence's frames (8) a clip shows: as ``tools.clips.batches.chosen_frames``, each moment moved a
    little, and a loop begun anywhere now and then."""
    count = len(row.frames)
    at = np.arange(FRAMES) + np.concatenate([[0.0], draw.uniform(-0.4, 0.4, FRAMES - 1)])
    if ACTIONS[row.action].loops:
        begin = draw.random() if draw.random() < 0.3 else 0.0
        return np.floor((at / FRAMES + begin) * count + 1e-6).astype(int) % count
    return np.clip(np.round(at / (FRAMES - 1) * (count - 1)), 0, count - 1).astype(int)


def varied(pixels: torch.Tensor, draw: np.random.Generator, tile: bool, mirrored: bool) -> torch.Tensor:
    """Pictures (f 4 h w, premultiplied, in [-1, 1]) all changed alike in place, hue and light; mirrored if asked.

    What leaves one side of a ``tile`` comes back on the other; and its hue stays, for lava is told from water by it.
    """
    out = pixels.flip(-1) if mirrored else pixels.clone()
    down, right = (int(n) for n in draw.integers(-MOST_SHIFT_PX, MOST_SHIFT_PX + 1, 2))
    out = torch.roll(out, (down, right), (-2, -1))
    if not tile:
        height, width = out.shape[-2:]
        out[..., : max(down, 0), :] = out[..., height + min(down, 0) :, :] = -1
        out[..., : max(right, 0)] = out[..., width + min(right, 0) :] = -1
    colour, alpha = (out[:, :3] + 1) / 2, (out[:, 3:] + 1) / 2
    turn = draw.random() if not tile and draw.random() < 0.4 else draw.uniform(-0.03, 0.03)
    light = draw.uniform(0.8, 1.2)
    colour = torch.einsum("rc,fchw->frhw", torch.from_numpy(_hue_turn(turn) * light).float(), colour)
    if draw.random() < 0.3:
        grain = draw.standard_normal(colour.shape).astype(np.float32)
        colour = colour + draw.uniform(0, 0.06) * torch.from_numpy(grain)
    colour = torch.minimum(colour.clamp(min=0), alpha)
    return torch.cat([colour, alpha], 1) * 2 - 1


def _hue_turn(turn: float) -> NDArray[np.float64]:
    """A turn of all colours by a part of the circle about the grey axis (3 3)."""
    cos, sin = np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)
    third, root = (1 - cos) / 3, np.sqrt(1 / 3) * sin
    return third + np.array([[cos, -root, root], [root, cos, -root], [-root, root, cos]])


def _weights(rows: list[Row]) -> NDArray[np.float64]:
    together = Counter((row.kind, row.action) for row in rows)
    roots = Counter[str]()
    for (kind, _), count in together.items():
        roots[kind] += count**0.5
    return np.array(
        [KIND_SHARES[row.kind] / roots[row.kind] / together[row.kind, row.action] ** 0.5 for row in rows]
    )
