"""How the pixels of a clip move: measured in pixels alone, without a network.

Frames are f h w 4, uint8, straight alpha; a pixel is drawn where its alpha is at least 128.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.comparison import VISIBLE_DIFFERENCE

Pixels = NDArray[np.uint8]
OPAQUE = 128
FOOT_ROWS = 4  # of a figure, from its lowest drawn one, that its foot is the middle of
FOOT_REACH_PX = (
    12  # how far from the first picture's foot it is looked for; sparks and shadows lie further off
)


@dataclass(frozen=True)
class Motion:
    """``from_reference``, ``between``: the share of drawn pixels that visibly differ from the first picture, and from
    one frame to the next (around the end, for a loop); ``poses``: the same of any two frames. ``step`` and ``seam``:
    mean difference of neighbouring frames, and of the last and the first, of 255 on pixels that are ever drawn; the
    seam of what does not loop is None."""

    from_reference: float
    between: float
    poses: float
    step: float
    seam: float | None

    @property
    def present(self) -> float:
        """How much moves: the mean of the shares against the first picture and between frames."""
        return (self.from_reference + self.between) / 2


def motion(frames: Pixels, reference: Pixels, loops: bool) -> Motion:
    """Of a clip that started from ``reference`` (h w 4)."""
    following = np.roll(frames, -1, 0) if loops else frames[1:]
    first = frames if loops else frames[:-1]
    ever = drawn(frames).any(0)
    apart = np.abs(np.diff(_premultiplied(frames), axis=0)).mean(-1)
    pairs = [(a, b) for a in range(len(frames)) for b in range(a + 1, len(frames))]
    # In pixels, not in the judge's features: those are blind to a figure that jumps by three pixels.
    seam = np.abs(_premultiplied(frames[-1:]) - _premultiplied(frames[:1])).mean(-1)[0]
    return Motion(
        from_reference=float(np.mean([changed(frame, reference) for frame in frames])),
        between=float(np.mean([changed(a, b) for a, b in zip(first, following, strict=True)])),
        poses=float(np.mean([changed(frames[a], frames[b]) for a, b in pairs])),
        step=float(apart[:, ever].mean()) if ever.any() else 0.0,
        seam=(float(seam[ever].mean()) if ever.any() else 0.0) if loops else None,
    )


def drawn(pixels: Pixels) -> NDArray[np.bool_]:
    """Which pixels (… h w) are to be seen."""
    return np.asarray(pixels[..., 3] >= OPAQUE)


def differing(first: Pixels, second: Pixels) -> NDArray[np.bool_]:
    """Which pixels (h w) differ visibly: drawn in one picture alone, or a channel by more than 32 of 255."""
    one, other = drawn(first), drawn(second)
    far = (np.abs(first[..., :3].astype(np.int16) - second[..., :3]) > VISIBLE_DIFFERENCE).any(-1)
    return np.asarray((one != other) | (one & other & far))


def changed(first: Pixels, second: Pixels) -> float:
    """The share of the pixels drawn in either picture that differ visibly; 0 for two empty ones."""
    either = drawn(first) | drawn(second)
    return float(differing(first, second).sum() / either.sum()) if either.any() else 0.0


@dataclass(frozen=True)
class Flicker:
    """``still``: mean change from frame to frame, of 255, on drawn pixels that should not change. ``second`` and
    ``first``: energies of second and first differences over time on all drawn pixels; their ratio is near 0 where
    things glide, 2 where a pixel switches once for good, and 3 for noise that is new in every frame."""

    still: float
    second: float
    first: float


def flicker(frames: Pixels, steady: NDArray[np.bool_], loops: bool) -> Flicker:
    """Of a clip; ``steady`` (h w): the pixels that should not change."""
    values = _premultiplied(frames)
    if loops:
        values = np.concatenate([values, values[:2]])
    first, second = np.diff(values, axis=0), np.diff(values, n=2, axis=0)
    ever = drawn(frames).any(0)
    return Flicker(
        still=float(np.abs(first[:, steady]).mean()) if steady.any() else 0.0,
        second=float((second[:, ever] ** 2).mean()) if ever.any() else 0.0,
        first=float((first[:, ever] ** 2).mean()) if ever.any() else 0.0,
    )


def steady_pixels(frames: Pixels, reference: Pixels) -> NDArray[np.bool_]:
    """The pixels (h w) of ``reference`` that are drawn and that no frame changes."""
    return np.asarray(drawn(reference) & (frames == reference).all(-1).all(0))


def foot_drift(frames: Pixels, reference: Pixels) -> float | None:
    """How far the foot is from where it was in ``reference``, in px, in the mean over frames.

    The foot is the middle column of the lowest rows of the figure, and its lowest row. A frame with nothing near there
    counts as drifted by all of ``FOOT_REACH_PX``. None where the reference is empty.
    """
    start = _foot(drawn(reference))
    if start is None:
        return None
    x, y = (round(value) for value in start)
    near = np.zeros(reference.shape[:2], bool)
    near[
        max(0, y - FOOT_REACH_PX) : y + FOOT_REACH_PX + 1, max(0, x - FOOT_REACH_PX) : x + FOOT_REACH_PX + 1
    ] = True
    # Found in the same window in the reference too: a wide figure is cut off alike in both.
    home = _foot(drawn(reference) & near)
    assert home is not None, "the foot itself lies in the window"
    found = [_foot(drawn(frame) & near) for frame in frames]
    return float(
        np.mean([FOOT_REACH_PX if at is None else np.hypot(at[0] - home[0], at[1] - home[1]) for at in found])
    )


def _foot(mask: NDArray[np.bool_]) -> tuple[float, float] | None:
    rows = np.flatnonzero(mask.any(1))
    if not len(rows):
        return None
    lowest = int(rows[-1])
    columns = np.nonzero(mask[max(0, lowest - FOOT_ROWS + 1) : lowest + 1])[1]
    return float(columns.mean()), float(lowest)


def _premultiplied(pixels: Pixels) -> NDArray[np.float32]:
    values = pixels.astype(np.float32)
    values[..., :3] *= values[..., 3:] / 255
    return values
