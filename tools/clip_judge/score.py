"""The clip judge's own score, on real sequences and pictures that it never saw."""

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from generators.clip_judge import CLIPS_AT_ONCE, FRAMES, ClipJudge
from generators.judge import premultiplied
from generators.motion import ACTIONS
from tools.clip_judge.examples import FACING_KINDS
from tools.clip_judge.split import group_of, unseen
from tools.clips.batches import chosen_frames
from tools.clips.dataset import ClipSet, Row

SURE = 0.8  # of a facing: below it in either direction a picture counts as unclear


def clip_of(made: ClipSet, row: Row) -> NDArray[np.uint8]:
    """A sequence as the clip that the judge sees (8 64 64 4)."""
    return np.array(made.pixels[np.array(row.frames)[chosen_frames(row, FRAMES)]])


def score(judge: ClipJudge, made: ClipSet) -> dict[str, Any]:
    """``actions``: action -> ``right`` share of ``clips``, and ``chance``: the mean share that is right when one of the
    actions that the kind of picture ever does is guessed, each as likely; ``still``: what the judge says of the same
    sequences' first pictures standing still; ``confusion``: action -> what it was taken for -> how often; ``groups``:
    the right share by how the sequence is new; ``facing``: of one resting picture a subject and its mirror image."""
    rows = unseen(made.rows)
    names = list(judge.names)
    doable = {
        kind: len({row.action for row in made.rows if row.kind == kind}) for kind in {r.kind for r in rows}
    }
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    groups: dict[str, list[bool]] = defaultdict(list)
    kinds: dict[str, list[bool]] = defaultdict(list)
    chances: dict[str, list[float]] = defaultdict(list)
    still: list[bool] = []
    for begin in range(0, len(rows), CLIPS_AT_ONCE):
        some = rows[begin : begin + CLIPS_AT_ONCE]
        given = np.stack([made.pixels[row.references[0]] for row in some])
        found = judge.actions(np.stack([clip_of(made, row) for row in some]), given)
        standing = judge.actions(np.repeat(given[:, None], FRAMES, 1), given)
        for row, chances_of, standing_of in zip(some, found, standing, strict=True):
            answer = answered(names, chances_of)
            confusion[row.action][answer] += 1
            groups[group_of(row)].append(answer == row.action)
            kinds[f"{row.action}, {row.kind}"].append(answer == row.action)
            chances[row.action].append(1 / doable[row.kind])
            still.append(answered(names, standing_of) == "still")
    actions = {
        action: {
            "right": confusion[action][action] / confusion[action].total(),
            "clips": confusion[action].total(),
            "chance": float(np.mean(chances[action])),
        }
        for action in ACTIONS
        if action in confusion
    }
    return {
        "actions": actions,
        "mean_right": float(np.mean([one["right"] for one in actions.values()])),
        "mean_chance": float(np.mean([one["chance"] for one in actions.values()])),
        "confusion": {action: dict(sorted(confusion[action].items())) for action in actions},
        "kinds": {key: _share(right) for key, right in sorted(kinds.items())},
        "groups": {group: _share(right) for group, right in sorted(groups.items())},
        "still": _share(still),
        "facing": facing_score(judge, made),
    }


def answered(names: list[str], chances: NDArray[np.float32]) -> str:
    """The likeliest of the actions and ``still``."""
    rest = 1 - float(chances.sum())
    return "still" if rest > chances.max() else names[int(chances.argmax())]


@torch.inference_mode()
def facing_score(judge: ClipJudge, made: ClipSet) -> dict[str, dict[str, float]]:
    """Kind -> the ``right`` share of one side view of each of ``subjects`` new to the judge; ``sure`` are those of a
    chance of at least ``SURE``, of which ``sure_right`` are. A mirror image gets the opposite answer by construction,
    so it is no second test."""
    found = {}
    for kind in FACING_KINDS:
        first: dict[str, int] = {}
        for row in unseen(made.rows):
            # A subject that only a pair is held out of was seen facing right in its other actions.
            if row.kind == kind and row.direction == "right" and group_of(row) != "pair":
                first.setdefault(row.subject, row.references[0])
        if not first:
            continue
        pictures = premultiplied(np.stack([made.pixels[index] for index in first.values()]))
        right = 1 - judge.facing(pictures).sigmoid().numpy()
        sure = (right >= SURE) | (right <= 1 - SURE)
        found[kind] = {
            "right": float((right > 0.5).mean()),
            "subjects": len(right),
            "sure": float(sure.mean()),
            "sure_right": float((right[sure] > 0.5).mean()) if sure.any() else 0.0,
        }
    return found


def _share(right: list[bool]) -> dict[str, float]:
    return {"right": float(np.mean(right)), "clips": len(right)}
