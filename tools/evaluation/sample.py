"""The real pictures that a pipeline is measured beside, and its own pictures of the same captions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from generators.judge import Judge
from generators.recipe import MAX_TOKENS
from generators.text_encoder import TextEncoder
from tools.evaluation.drawing import Drawer
from tools.judge.split import GROUPS, group_rows, unseen
from tools.sprites.dataset import SpriteSet
from tools.sprites.text_cache import TextCache


@dataclass(frozen=True)
class Real:
    """The set of one size, as the judge sees it."""

    pictures: SpriteSet
    text: TextCache
    judge: Judge
    encoder: TextEncoder

    def features(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """The judge's features of the pictures at ``rows`` (b d)."""
        return self.judge.see(np.stack([self.pictures.pixels[row] for row in rows]))

    def caption_features(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Of the first captions of ``rows`` (b d)."""
        index = self.text.index
        return self.judge.read(
            *self.text.batch(np.array([index[self.pictures.captions[row][0]] for row in rows]))
        )

    def read(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """The judge's features of any captions (b d), embedded as the pipelines embed prompts."""
        parts = []
        for begin in range(0, len(captions), 64):
            tokens = self.encoder.tokenizer(
                list(captions[begin : begin + 64]),
                padding="max_length",
                truncation=True,
                max_length=MAX_TOKENS,
                return_tensors="pt",
            )
            with torch.inference_mode():
                states = self.encoder.model(**tokens).last_hidden_state
            parts.append(self.judge.read(states, tokens["attention_mask"]))
        return np.concatenate(parts)


@dataclass(frozen=True)
class Group:
    """One group's sample: row n of each field belongs to the same caption.

    ``rows``: real pictures new to the judge; ``drawn``: the pipeline's pictures of their first captions (b s s 4);
    ``real``, ``generated``: judge features of both; ``captions``: of the captions; ``held_out``: whether the
    pipeline's network never saw the subject either.
    """

    name: str
    kind: str
    rows: list[int]
    subjects: NDArray[np.str_]
    held_out: NDArray[np.bool_]
    drawn: NDArray[np.uint8]
    real: NDArray[np.float32]
    generated: NDArray[np.float32]
    captions: NDArray[np.float32] = field(repr=False)


def sample(real: Real, drawer: Drawer, pictures: int) -> list[Group]:
    """The groups of the drawer's size, ``pictures`` in all, the same number of each group."""
    names = [name for name, (size_px, _) in GROUPS.items() if size_px == drawer.size_px]
    found = []
    for at, name in enumerate(names):
        kind = GROUPS[name][1]
        rows = picked_rows(real.pictures, kind, pictures // len(names))
        prompts = [real.pictures.captions[row][0] for row in rows]
        drawn = drawer.draw(prompts, [10_000 * at + n for n in range(len(rows))], kind)
        found.append(
            Group(
                name=name,
                kind=kind,
                rows=rows,
                subjects=np.array([real.pictures.subjects[row] for row in rows]),
                held_out=real.pictures.held_out[rows],
                drawn=drawn,
                real=real.features(rows),
                generated=real.judge.see(drawn),
                captions=real.caption_features(rows),
            )
        )
    return found


def picked_rows(pictures: SpriteSet, kind: str, count: int) -> list[int]:
    """``count`` pictures new to the judge: one of each subject, held-out subjects first, then a second of each, …

    Fewer where there are not so many.
    """
    new = unseen(pictures)
    first = group_rows(pictures, kind, new)
    taken = set(first)
    order = sorted(first, key=lambda row: not pictures.held_out[row])
    others: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(new).tolist():
        if pictures.kinds[row] == kind and row not in taken:
            others[pictures.subjects[row]].append(row)
    for queue in others.values():  # frames follow one another: neighbours are nearly the same picture
        np.random.default_rng(0).shuffle(queue)
    while len(order) < count and any(others.values()):
        order += [queue.pop() for queue in others.values() if queue]
    return order[:count]
