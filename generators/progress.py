"""How far a running draw has come."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# One pass of sixteen is where two cores stop gaining; a larger batch only makes the first picture later.
MAX_BATCH = 16


@dataclass(frozen=True)
class Progress:
    """Step ``step`` of ``steps`` is done for the pictures at ``indices``.

    ``preview`` decodes them as they are now (b h w 4, uint8).
    """

    indices: tuple[int, ...]
    step: int
    steps: int
    preview: Callable[[], NDArray[np.uint8]]


ProgressCallback = Callable[[Progress], None]
