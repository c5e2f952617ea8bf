"""What a clip must keep before it is minted: its picture's rules, that it moves, and that a loop joins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.comparison import compare
from generators.motion import ACTIONS
from generators.quality_gate import NearCopies, QualityCheck, Rules, inspect
from generators.recipe import Kind, Recipe

# Set so that real sequences of the training art pass in at least 95 %; docs/clips.md has the figures.
LEAST_MOTION = 0.01  # of the drawn pixels, that differ from one frame to the next in the mean
MOST_SEAM = (
    1.5  # times the largest step between neighbours, that the step from the last frame to the first may be
)
# What the first frame of any clip is asked; a jump or a fall may leave the ground and the canvas, and what lies apart
# is mostly sparks.
OF_FIRST_FRAME = frozenset({"alpha", "palette", "not_empty", "outline", "one_subject", "novelty"})


@dataclass(frozen=True)
class Motion:
    """``steps``: the share of drawn pixels that differ between neighbouring frames; ``seam``: the same from the last
    frame to the first."""

    steps: tuple[float, ...]
    seam: float


def motion(frames: NDArray[np.uint8], faint: bool = False) -> Motion:
    """How much frames (f h w 4, uint8) differ from one another: visibly, or at all where ``faint`` changes count."""
    shares = []
    for k, following in enumerate([*range(1, len(frames)), 0]):
        found = compare(frames[k], frames[following])
        shares.append(found.differing / max(1, found.drawn) if faint else found.visible_share)
    return Motion(tuple(shares[:-1]), shares[-1])


def inspect_clip(
    frames: NDArray[np.uint8], recipe: Recipe, near_copies: NearCopies | None = None
) -> list[QualityCheck]:
    """Every check of a finished clip (f h w 4, uint8); novelty only with ``near_copies``, of its first frame."""
    action = ACTIONS.get(recipe.action or "")
    kind = Kind.ILLUSTRATION if action is None else Kind(action.subject)
    rules = Rules(kind, recipe.palette, recipe.outline, recipe.background)
    checks = [check for check in inspect(frames[0], rules, near_copies) if check.name in OF_FIRST_FRAME]
    found = motion(frames, faint=kind is Kind.TILE)  # dark water moves by shades
    if found.steps:
        checks.append(_moves(found))
    if action is not None and action.loops and len(found.steps) > 1:
        checks.append(_joins(found))
    return checks


def _moves(found: Motion) -> QualityCheck:
    share = float(np.mean(found.steps))
    detail = f"{share:.1%} of what is drawn changes from frame to frame"
    return QualityCheck("motion", share >= LEAST_MOTION, detail, False)


def _joins(found: Motion) -> QualityCheck:
    largest = max(found.steps)
    ok = found.seam <= max(MOST_SEAM * largest, LEAST_MOTION)
    detail = (
        f"{found.seam:.1%} changes from the last frame to the first, at most {largest:.1%} between others"
    )
    return QualityCheck("loop", ok, detail, False)
