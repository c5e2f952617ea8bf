"""The grid of a picture that only looks like pixel art: its cells' size and place, found and sampled."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.palette import oklab

MIN_CELL_PX, MAX_CELL_PX = 3.0, 40.0
MIN_CELLS = 16  # pixel art of fewer is too small to be told from a few straight outlines
# Of the grid's frequency over the others, in their own spread: spoilt pixel art had 23 and more, drawings without a
# grid 13 and less (docs/decisions/0004-pixelisation.md).
MIN_STANDING_OUT = 18.0
SAME_HEIGHT = 0.7  # of the highest peak, at half its frequency: then that is the overtone of this one
SAMPLES = 5  # points a side of each cell that its colour is the median of


@dataclass(frozen=True)
class Grid:
    """Cells of ``cell_px`` (may be broken) whose first whole lines lie at ``left_px`` and ``top_px``."""

    cell_px: float
    left_px: float
    top_px: float
    columns: int
    rows: int


def find_grid(pixels: NDArray[np.uint8]) -> Grid | None:
    """The grid that the steps in colour of ``pixels`` (h w 4, uint8) lie on, or None where they lie on none.

    Steps are summed along each column and row; of the sums, the frequency that most of them share is the grid's, and
    its phase the grid's place. Sampling artefacts and blur widen the steps and leave their centres where they were.
    """
    return shared_grid(pixels[None])


def shared_grid(frames: NDArray[np.uint8]) -> Grid | None:
    """The one grid that the steps of all ``frames`` (f h w 4, uint8) lie on, as ``find_grid`` finds that of one."""
    across: Any = 0
    down: Any = 0
    for frame in frames:
        lab = _premultiplied_lab(frame)
        across = across + np.abs(np.diff(lab, axis=1)).sum((0, 2))
        down = down + np.abs(np.diff(lab, axis=0)).sum((1, 2))
    height, width = frames.shape[1:3]
    side = min(height, width)
    largest = min(MAX_CELL_PX, side / MIN_CELLS)
    if largest <= MIN_CELL_PX:
        return None
    # Steps of an eighth of what a picture this wide can tell apart lose no more than a hundredth of the peak.
    frequencies = np.arange(1 / largest, 1 / MIN_CELL_PX, 1 / (8 * side))
    spectra = [_spectrum(_steps(profile), frequencies) for profile in (across, down)]
    shared = np.sqrt(np.abs(spectra[0]) * np.abs(spectra[1]))
    best = int(shared.argmax())
    spread = float(np.median(np.abs(shared - np.median(shared)))) * 1.4826
    if not shared[best] - np.median(shared) > MIN_STANDING_OUT * spread > 0:
        return None
    half = np.abs(frequencies - frequencies[best] / 2) < 1 / (2 * side)
    if (
        half.any()
        and (lower := int(np.where(half, shared, 0).argmax()))
        and shared[lower] > SAME_HEIGHT * shared[best]
    ):
        best = lower
    cell = 1 / frequencies[best]
    left, top = (float((-np.angle(spectrum[best]) / (2 * np.pi) * cell) % cell) for spectrum in spectra)
    first_left, columns = _whole_cells(left, cell, width)
    first_top, rows = _whole_cells(top, cell, height)
    return Grid(float(cell), first_left, first_top, columns, rows)


def sample(pixels: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    """One pixel for each cell: the median of points in its middle half, where neighbours do not reach in."""
    points = (np.arange(SAMPLES) + 0.5) / SAMPLES / 2 + 0.25
    columns = _places(grid.left_px, grid.cell_px, grid.columns, points, pixels.shape[1])
    rows = _places(grid.top_px, grid.cell_px, grid.rows, points, pixels.shape[0])
    cells = pixels[rows[:, None, :, None], columns[None, :, None, :]]  # rows columns points points 4
    cells = cells.reshape(grid.rows, grid.columns, -1, 4)
    out = np.median(cells, axis=2).round().astype(np.uint8)
    out[..., 3] = np.where(out[..., 3] > 127, 255, 0)
    return out


def _premultiplied_lab(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Oklab times alpha, and alpha: h w 4."""
    alpha = pixels[..., 3:].astype(np.float32) / 255
    lab = oklab(pixels[..., :3].reshape(-1, 3)).reshape(*pixels.shape[:2], 3)
    return np.concatenate([lab * alpha, alpha], -1)


def _steps(profile: NDArray[np.float32]) -> NDArray[np.float32]:
    """A profile without its floor of noise and its slow rise and fall, which every motif has."""
    raised = np.clip(profile - np.median(profile), 0, None)
    # A few outlines that run straight through the picture must not outweigh all other steps.
    return np.sqrt(raised)


def _spectrum(steps: NDArray[np.float32], frequencies: NDArray[np.float64]) -> NDArray[np.complex128]:
    places = np.arange(1, len(steps) + 1)
    waves = np.exp(-2j * np.pi * frequencies[:, None] * places[None])
    centred = steps - steps.mean()
    window = np.hanning(len(steps) + 2)[1:-1] + 0.1
    return (waves * (centred * window)[None]).sum(1) / max(float((steps * window).sum()), 1e-6)


def _whole_cells(phase_px: float, cell_px: float, length_px: int) -> tuple[float, int]:
    """The first line, and how many cells follow; a cell counts where at least half of it is in the picture."""
    first = phase_px - cell_px if phase_px >= cell_px / 2 else phase_px
    return float(first), int((length_px - first) / cell_px + 0.5)


def _places(
    first_px: float, cell_px: float, count: int, points: NDArray[np.float64], length_px: int
) -> NDArray[np.int64]:
    """count points: which pixel lies at each of the ``points`` (shares of a cell) of each cell."""
    places = first_px + (np.arange(count)[:, None] + points[None]) * cell_px
    return np.clip(np.floor(places), 0, length_px - 1).astype(np.int64)
