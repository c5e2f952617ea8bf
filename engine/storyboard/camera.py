"""What of the stage is seen: pan and zoom, each scene pixel a block of film pixels."""

import numpy as np
from numpy.typing import NDArray

from engine.storyboard.script import Camera, View


def eased(progress: float) -> float:
    """Slow, fast, slow (0 to 1): the cubic with no speed at its ends."""
    return progress * progress * (3 - 2 * progress)


def window(
    camera: Camera, progress: float, size: tuple[int, int], stage: tuple[int, int], scale: int
) -> tuple[float, float, float]:
    """Left and top of what is seen, in stage pixels, and the film pixels that a stage pixel takes.

    Both fall on whole film pixels, so that a pan moves the picture as a whole; the window stays on the stage.
    """
    to, part = camera.end or camera.start, eased(progress)
    zoom = _between(camera.start.zoom, to.zoom, part)
    pixel = scale * zoom
    corner = []
    for axis in (0, 1):
        seen = size[axis] / zoom
        first, last = (
            _middle(view, size[axis] / view.zoom, stage[axis], axis) for view in (camera.start, to)
        )
        middle = _between(first, last, part)
        begin = min(max(0.0, middle - seen / 2), stage[axis] - seen)
        corner.append(max(0.0, np.floor(begin * pixel + 0.5) / pixel))
    return float(corner[0]), float(corner[1]), pixel


def shot_through(
    frame: NDArray[np.uint8], camera: Camera, progress: float, size: tuple[int, int], scale: int
) -> NDArray[np.uint8]:
    """The film's picture (h w 3) of a stage's frame (h w 3): ``size`` scene pixels, scaled, by nearest sampling."""
    stage = (frame.shape[1], frame.shape[0])
    left, top, pixel = window(camera, progress, size, stage, scale)
    columns = _sampled(left, pixel, size[0] * scale, stage[0])
    rows = _sampled(top, pixel, size[1] * scale, stage[1])
    return np.ascontiguousarray(frame[rows][:, columns])


def _sampled(begin: float, pixel: float, count: int, limit: int) -> NDArray[np.intp]:
    places = np.floor(begin + (np.arange(count) + 0.5) / pixel).astype(np.intp)
    return np.clip(places, 0, limit - 1)


def _middle(view: View, seen: float, limit: int, axis: int) -> float:
    """The middle of a view, moved onto the stage: else a pan from beyond its edge would begin by standing still."""
    wanted = limit / 2 if view.at is None else float(view.at[axis])
    return min(max(wanted, seen / 2), limit - seen / 2)


def _between(start: float, end: float, part: float) -> float:
    return start + (end - start) * part
