"""The judge's own score: how often a real picture that it never saw finds its caption among 32."""

import numpy as np

from generators.judge import Judge, right_shares
from tools.judge.split import GROUPS, group_rows, unseen
from tools.sprites.dataset import SpriteSet
from tools.sprites.text_cache import TextCache

CAPTIONS = 32


def score(judge: Judge, sets: dict[int, tuple[SpriteSet, TextCache]]) -> dict[str, dict[str, float]]:
    """Group -> ``top1`` of 32 over ``pictures`` unseen by the judge, and ``held_out_top1`` over the
    ``held_out_pictures`` among them that no network saw; the captions that compete are the same for both."""
    judge.eval()
    found = {}
    for group, (size_px, kind) in GROUPS.items():
        pictures, text = sets[size_px]
        rows = group_rows(pictures, kind, unseen(pictures))
        pixels = np.stack([pictures.pixels[row] for row in rows])
        captions = judge.read(*text.batch(np.array([text.index[pictures.captions[row][0]] for row in rows])))
        scores = judge.see(pixels) @ captions.T
        rivals = ~np.eye(len(rows), dtype=bool)
        right = right_shares(scores.diagonal(), scores, rivals, min(CAPTIONS, len(rows)))
        held_out = pictures.held_out[rows]
        found[group] = {"top1": float(right.mean()), "pictures": len(rows)}
        if held_out.any():
            found[group] |= {
                "held_out_top1": float(right[held_out].mean()),
                "held_out_pictures": int(held_out.sum()),
            }
    return found
