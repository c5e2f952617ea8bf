"""How exact is a recipe, drawn alone, in a batch, and in another precision?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.comparison import compare
from tools.evaluation.drawing import Drawer

PICTURES = 16


@dataclass(frozen=True)
class Exactness:
    """Shares of all pixels that ``differ``, of the drawn ones ``visibly``, and of the ``worst`` picture's."""

    differ: float
    visibly: float
    worst: float


def exactness(half: Drawer, full: Drawer, prompt: str) -> dict[str, Exactness]:
    """Two drawers of one folder, in bf16 and float32 -> what was compared -> how far apart it is."""
    seeds = list(range(PICTURES))
    alone = np.concatenate([half.draw([prompt], [seed], "unit") for seed in seeds])
    return {
        "bf16, alone and in a batch": apart(alone, half.draw([prompt] * PICTURES, seeds, "unit")),
        "bf16 and float32": apart(alone, full.draw([prompt] * PICTURES, seeds, "unit")),
        "one seed and the next": apart(alone, np.roll(alone, 1, 0)),
    }


def apart(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Exactness:
    """Two runs of the same recipes (b s s 4 each)."""
    found = [compare(a, b) for a, b in zip(first, second, strict=True)]
    return Exactness(
        differ=sum(one.differing for one in found) / sum(one.total for one in found),
        visibly=sum(one.visible for one in found) / max(1, sum(one.drawn for one in found)),
        worst=max(one.visible_share for one in found),
    )
