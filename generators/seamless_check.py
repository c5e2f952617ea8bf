"""Whether a tile joins its own copies: how its opposite edges fit, against how its neighbouring rows do."""

import numpy as np
from numpy.typing import NDArray

from generators.palette import oklab

LEAST_STEP = 0.01  # in Oklab: below this two rows look the same, and a ratio of such steps says nothing


def edge_mismatch(pixels: NDArray[np.uint8]) -> float:
    """How much larger the step over a tile's edge is than those inside it, at the worse of its two directions.

    ``pixels`` is h w 4, uint8. A step is the mean Oklab distance between two neighbouring rows or columns; 1 is what
    a texture that repeats has, 2 a line that shows.
    """
    lab = oklab(pixels[..., :3].reshape(-1, 3)).reshape(*pixels.shape[:2], 3)
    lab = np.dstack([lab, pixels[..., 3] / 255])
    return max(_step_ratio(lab), _step_ratio(lab.swapaxes(0, 1)))


def _step_ratio(lab: NDArray[np.floating]) -> float:
    steps = np.sqrt(((lab - np.roll(lab, 1, 0)) ** 2).sum(-1)).mean(1)  # the first is over the edge
    inside = np.sort(steps[1:])[len(steps) // 2 :]  # the upper half: joints between bricks are steps too
    return float(steps[0] / max(float(inside.mean()), LEAST_STEP))
