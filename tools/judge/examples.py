"""Training batches of the judge: pictures with one of their captions, and which pairs must not count as wrong."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from generators.judge import premultiplied
from tools.judge.split import unseen
from tools.sprites.batches import pose_weights
from tools.sprites.dataset import SpriteSet
from tools.sprites.text_cache import TextCache

# How often a batch is of one kind alone, where captions compete with their like, and of which.
KIND_SHARES = {
    32: {"doll": 0.30, "item": 0.27, "monster": 0.27, "tile": 0.16},
    64: {"unit": 1.0},
}
MIXED_SHARE = 0.3  # of the batches: all kinds of a size together
FINE_SHARE = 0.35  # of the batches: at 64 px
RARE_WORD = 4
MIXED_SHARES = {
    32: {"doll": 0.28, "item": 0.25, "monster": 0.25, "tile": 0.16, "effect": 0.06},
    64: {"unit": 0.96, "icon": 0.04},
}


@dataclass(frozen=True)
class Examples:
    """``pixels``: b 4 s s premultiplied; ``states``, ``mask``: the captions; ``allowed``: b b, False where a caption
    also fits another picture's row, so that it is no wrong answer there; ``words``: b v, the shares of the words of all
    captions of a picture, rare ones weighing more."""

    pixels: torch.Tensor
    states: torch.Tensor
    mask: torch.Tensor
    allowed: torch.Tensor
    words: torch.Tensor


class Vocabulary:
    """The words that at least ``RARE_WORD`` training pictures' captions hold."""

    def __init__(self, sets: Iterable[SpriteSet]) -> None:
        counts: Counter[str] = Counter()
        total = 0
        for pictures in sets:
            for row in np.flatnonzero(~unseen(pictures)):
                counts.update(words_of(pictures.captions[row]))
                total += 1
        kept = sorted(word for word, count in counts.items() if count >= RARE_WORD)
        self._index = {word: at for at, word in enumerate(kept)}
        self._weights = np.array([np.log(total / counts[word]) + 0.1 for word in kept], np.float32)

    def __len__(self) -> int:
        return len(self._index)

    def shares(self, captions: Sequence[Sequence[str]]) -> torch.Tensor:
        """Each row's words, weighted by how rare they are, adding up to one (b v); zeros where it has none."""
        found = np.zeros((len(captions), len(self)), np.float32)
        for at, row in enumerate(captions):
            known = [self._index[word] for word in words_of(row) if word in self._index]
            found[at, known] = self._weights[known]
        return torch.from_numpy(found / np.maximum(found.sum(1, keepdims=True), 1e-6))


def words_of(captions: Sequence[str]) -> set[str]:
    return set(re.findall(r"[a-z]+", " ".join(captions).lower()))


class ExampleSet:
    """Draws the judge's batches from the pictures of one size that it may see."""

    def __init__(self, pictures: SpriteSet, text: TextCache, size_px: int, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._pictures, self._text, self._size_px = pictures, text, size_px
        self._rows = [np.array([text.index[c] for c in captions]) for captions in pictures.captions]
        _, self._subject = np.unique(np.array(pictures.subjects), return_inverse=True)
        seen = ~unseen(pictures)
        kinds = np.array(pictures.kinds)
        self._kinds = {
            kind: (np.flatnonzero((kinds == kind) & seen), pose_weights(pictures, (kinds == kind) & seen))
            for kind in MIXED_SHARES[size_px]
            if ((kinds == kind) & seen).any()
        }

    def examples(self, draw: np.random.Generator, count: int) -> Examples:
        """A batch of ``count``, of one kind or of all."""
        if draw.random() < MIXED_SHARE:
            shares = {k: s for k, s in MIXED_SHARES[self._size_px].items() if k in self._kinds}
            kinds = draw.choice(list(shares), count, p=_whole(shares))
        else:
            shares = {k: s for k, s in KIND_SHARES[self._size_px].items() if k in self._kinds}
            kinds = np.repeat(draw.choice(list(shares), p=_whole(shares)), count)
        chosen = np.empty(count, np.int64)
        for kind in np.unique(kinds):
            rows, weights = self._kinds[str(kind)]
            chosen[kinds == kind] = draw.choice(rows, int((kinds == kind).sum()), p=weights)
        captions = np.array([draw.choice(self._rows[row]) for row in chosen])
        pixels = np.stack(
            [
                varied(np.asarray(self._pictures.pixels[row]), draw, wrap=kind == "tile")
                for row, kind in zip(chosen, kinds, strict=True)
            ]
        )
        fits = self._subject[chosen][:, None] == self._subject[chosen][None]
        for at, row in enumerate(chosen):
            fits[at] |= np.isin(captions, self._rows[row])
        np.fill_diagonal(fits, False)
        states, mask = self._text.batch(captions)
        words = self._vocabulary.shares([self._pictures.captions[row] for row in chosen])
        return Examples(premultiplied(pixels), states, mask, torch.from_numpy(~fits), words)


def varied(pixels: NDArray[np.uint8], draw: np.random.Generator, wrap: bool) -> NDArray[np.uint8]:
    """The picture mirrored or not, moved a little, lighter or darker a little, sometimes with a patch cut out."""
    size = len(pixels)
    out = pixels[:, ::-1] if draw.random() < 0.5 else pixels
    most = size // 12
    down, right = draw.integers(-most, most + 1, 2)
    moved = np.roll(out, (down, right), (0, 1))
    if not wrap:
        edge = np.zeros((size, size), bool)
        edge[: max(down, 0)] = edge[size + min(down, 0) :] = True
        edge[:, : max(right, 0)] = edge[:, size + min(right, 0) :] = True
        moved[edge] = 0
    light = draw.uniform(0.9, 1.1)
    moved[..., :3] = np.clip(moved[..., :3] * light, 0, 255)
    if draw.random() < 0.3:
        side = int(draw.integers(size // 8, size // 3))
        top, left = draw.integers(0, size - side, 2)
        moved[top : top + side, left : left + side] = 0
    return moved


def _whole(shares: dict[str, float]) -> NDArray[np.float64]:
    values = np.array(list(shares.values()))
    return values / values.sum()
