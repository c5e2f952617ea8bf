"""Training batches: balanced by kind, reproducible from a seed and a step."""

from dataclasses import dataclass

import numpy as np
import torch

from generators.sprite_pipeline import PATCH_PX, premultiplied
from tools.sprites.dataset import SpriteSet
from tools.sprites.text_cache import TextCache

# How often each kind is drawn. Composed dolls are many and come out well early; single pictures need their passes,
# floors and walls few.
KIND_SHARES = {
    32: {"doll": 0.34, "item": 0.28, "monster": 0.26, "tile": 0.10, "effect": 0.02},
    64: {"unit": 0.97, "icon": 0.03},
}
# Against 1 for a resting pose, which is what people ask for: a blurred lunge or a heap on the floor teaches little.
POSE_WEIGHTS = {"running": 0.4, "casting a spell": 0.3, "attacking": 0.12, "hurt": 0.12, "dying": 0.06}
CAPTION_DROPOUT = 0.1  # classifier-free guidance needs the empty caption


@dataclass(frozen=True)
class Batch:
    """``clean``: b c h w, what the network should arrive at; ``states``, ``mask``: its captions; ``kinds``: b."""

    clean: torch.Tensor
    states: torch.Tensor
    mask: torch.Tensor
    kinds: list[str]


class Batches:
    """Draws training batches from a set; the batch of a step is always the same."""

    def __init__(self, pictures: SpriteSet, text: TextCache, size_px: int, seed: int) -> None:
        self._pictures, self._text, self._seed = pictures, text, seed
        shares = KIND_SHARES[size_px]
        kinds = np.array(pictures.kinds)
        weights = np.zeros(len(kinds))
        for kind, share in shares.items():
            chosen = (kinds == kind) & ~pictures.held_out
            weights[chosen] = share * pose_weights(pictures, chosen)
        cumulative = np.cumsum(weights)
        self._cumulative = cumulative / cumulative[-1]
        self._rows = [np.array([text.index[c] for c in captions]) for captions in pictures.captions]
        self._empty = text.index[""]
        self._mirrored: torch.Tensor | None = None
        self._latents: torch.Tensor | None = None

    def use_latents(self, latents: torch.Tensor, mirrored: torch.Tensor) -> None:
        """Draws from these (n c h w each, one for each picture) instead of from pixels."""
        self._latents, self._mirrored = latents, mirrored

    def empty(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Token states and mask of ``size`` empty captions, as in ``Batch``."""
        return self._text.batch(np.full(size, self._empty))

    def batch(self, step: int, size: int) -> Batch:
        """The batch of ``step``, of ``size`` pictures, each mirrored or not, each with one of its captions or none."""
        draw = np.random.default_rng((self._seed, step))
        # From the right, so that no draw, not even 0.0, falls on a picture of no weight.
        chosen = np.searchsorted(self._cumulative, draw.random(size), side="right")
        flipped = draw.random(size) < 0.5
        rows = np.array(
            [
                self._empty if draw.random() < CAPTION_DROPOUT else _pick(self._rows[index], draw)
                for index in chosen
            ]
        )
        if self._latents is not None and self._mirrored is not None:
            picked = torch.from_numpy(chosen)
            clean = torch.where(
                torch.from_numpy(flipped)[:, None, None, None], self._mirrored[picked], self._latents[picked]
            ).float()
        else:
            pixels = np.stack([self._pictures.pixels[index] for index in chosen])
            pixels[flipped] = pixels[flipped, :, ::-1]
            clean = torch.nn.functional.pixel_unshuffle(premultiplied(pixels), PATCH_PX)
        states, mask = self._text.batch(rows)
        return Batch(clean, states, mask, [self._pictures.kinds[index] for index in chosen])


def pose_weights(pictures: SpriteSet, chosen: np.ndarray) -> np.ndarray:
    """Weights that sum to one over ``chosen``, by the action that a picture's first caption ends in."""
    weights = np.array([_pose_weight(pictures.captions[index][0]) for index in np.flatnonzero(chosen)])
    return weights / weights.sum()


def _pose_weight(caption: str) -> float:
    return next((weight for action, weight in POSE_WEIGHTS.items() if caption.endswith(f", {action}")), 1.0)


def _pick(rows: np.ndarray, draw: np.random.Generator) -> int:
    """One caption of a picture; the first, the fullest one, twice as often as each other."""
    return int(rows[max(0, int(draw.integers(-1, len(rows))))])
