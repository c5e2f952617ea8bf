"""Training batches of clips: balanced by kind and action, reproducible from a seed and a step."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from generators.clip_network import frame_phases, scene
from generators.motion import ACTIONS, Direction
from tools.clips.dataset import ClipSet, Row
from tools.sprites.text_cache import TextCache

# How often each kind is drawn. Within one, actions share evenly but for the root of how many sequences each has.
KIND_SHARES = {
    "unit": 0.6,
    "ninja": 0.1,
    "doll": 0.07,
    "monster": 0.06,
    "item": 0.11,
    "tile": 0.04,
    "icon": 0.02,
}
SHORT_SHARE = 0.7  # of the batches have 8 frames a clip, the others 16
FRAMES_A_BATCH = 64
CAPTION_DROPOUT = 0.1
REFERENCE_NOISE = 0.15  # at most, on latents: what is animated later was drawn by a network and is less crisp


@dataclass(frozen=True)
class ClipBatch:
    """``clean``: b f c h w; ``reference``: b c h w; ``scenes``: b f SCENE_WIDTH; ``states``, ``mask``: captions."""

    clean: torch.Tensor
    reference: torch.Tensor
    scenes: torch.Tensor
    states: torch.Tensor
    mask: torch.Tensor
    kinds: list[str]


def chosen_frames(row: Row, count: int) -> np.ndarray:
    """Which of a sequence's frames (count) a clip of that length shows."""
    phases = frame_phases(ACTIONS[row.action], count).numpy()
    last = len(row.frames) if ACTIONS[row.action].loops else len(row.frames) - 1
    return np.minimum(
        np.floor(phases * last + 0.5 * (not ACTIONS[row.action].loops) + 1e-6), len(row.frames) - 1
    ).astype(int)


class ClipBatches:
    """Draws training batches of latents (n c h w, one a picture); the batch of a step is always the same."""

    def __init__(
        self,
        made: ClipSet,
        latents: torch.Tensor,
        text: TextCache,
        seed: int,
        shares: Mapping[str, float] = KIND_SHARES,
    ) -> None:
        self._made, self._latents, self._text, self._seed = made, latents, text, seed
        training = [row for row in made.rows if not (row.held_out or row.held_out_pair)]
        together = Counter((row.kind, row.action, row.direction) for row in training)
        roots = Counter[str]()
        for (kind, _, _), count in together.items():
            roots[kind] += count**0.5
        weights = np.array(
            [
                shares[row.kind] / roots[row.kind] / together[row.kind, row.action, row.direction] ** 0.5
                for row in training
            ]
        )
        self._training, self._cumulative = training, np.cumsum(weights) / weights.sum()
        self._empty = text.index[""]

    def batch(self, step: int, frames_a_batch: int = FRAMES_A_BATCH) -> ClipBatch:
        """The batch of ``step``: clips of one length, with so many frames together."""
        draw = np.random.default_rng((self._seed, step))
        count = 8 if draw.random() < SHORT_SHARE else 16
        size = max(1, frames_a_batch // count)
        rows = [self._training[i] for i in np.searchsorted(self._cumulative, draw.random(size), side="right")]
        clean = torch.stack(
            [self._latents[np.array(row.frames)[chosen_frames(row, count)]] for row in rows]
        ).float()
        reference = torch.stack(
            [self._latents[row.references[int(draw.random() ** 2 * len(row.references))]] for row in rows]
        ).float()
        noise = torch.from_numpy(draw.standard_normal(reference.shape).astype(np.float32))
        strength = torch.from_numpy(
            (draw.random(size) * (draw.random(size) < 0.5) * REFERENCE_NOISE).astype(np.float32)
        )
        captions = [
            self._empty
            if draw.random() < CAPTION_DROPOUT
            else self._text.index[row.captions[int(draw.integers(len(row.captions)))]]
            for row in rows
        ]
        states, mask = self._text.batch(np.array(captions))
        return ClipBatch(
            clean=clean,
            reference=reference + strength[:, None, None, None] * noise,
            scenes=torch.stack([row_scene(row, count) for row in rows]),
            states=states,
            mask=mask,
            kinds=[row.kind if row.kind != "unit" else row.action for row in rows],
        )


def row_scene(row: Row, count: int) -> torch.Tensor:
    """What the network is told of a clip of this sequence (f SCENE_WIDTH)."""
    action = ACTIONS[row.action]
    facing = None if row.direction is None else Direction(row.direction)
    return scene(action, facing, frame_phases(action, count), row.art_px)
