"""Frames with their times: what every animated file is written from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAME_STEP_MS = (
    10  # GIF counts in hundredths of a second (GIF89a, section 23), so every frame time is a multiple
)
MIN_FRAME_MS, MAX_FRAME_MS = 20, 1000  # browsers slow frames of less than 20 ms down to 100
MAX_FPS = 1000 / MIN_FRAME_MS


@dataclass(frozen=True, eq=False)
class Animation:
    """``frames``: f h w 4, uint8, straight alpha, each shown for ``frame_ms`` milliseconds, a multiple of 10.

    ``name`` is what sheets call it: letters, digits and dashes, as in ``walk-left``.
    """

    name: str
    frames: NDArray[np.uint8]
    frame_ms: int
    loops: bool


def frame_ms(fps: float) -> int:
    """Milliseconds that a frame stands at ``fps`` frames a second, to the nearest multiple of 10."""
    rounded = round(1000 / fps / FRAME_STEP_MS) * FRAME_STEP_MS
    return min(max(rounded, MIN_FRAME_MS), MAX_FRAME_MS)
