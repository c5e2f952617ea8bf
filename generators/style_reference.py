"""What reference pictures have in common, and how far apart the colours of two pictures are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.colour_choice import important_colours
from generators.errors import InvalidStyle
from generators.outline import dark_line, edge
from generators.palette import hex_colour, nearest, oklab, rgb_values
from generators.source_picture import native
from generators.style import Light

SAMPLES = 4096  # pixels that speak for one reference, so that a large one does not outvote the others
OUTLINED, BARE = 0.6, 0.02  # share of the edge that is a dark line: from here on drawn, up to here never
# Oklab lightness from one side of a figure to the other, in the mean of the references: less says nothing.
LEAST_SLOPE = 0.06
_LIGHTS: tuple[tuple[Light, float], ...] = (
    ("right", 0.0),
    ("top-right", 45.0),
    ("top", 90.0),
    ("top-left", 135.0),
    ("left", 180.0),
)


@dataclass(frozen=True)
class Traits:
    """What the references share; ``light`` and ``outline`` are None where they share none."""

    palette: tuple[str, ...]
    outline: str | None
    light: Light | None


def traits(references: Sequence[NDArray[np.uint8]], colours: int) -> Traits:
    """The traits of pictures (h w 4, uint8, enlarged or not), with a palette of at most ``colours``.

    Raises InvalidStyle where nothing is drawn in them, or less than two colours.
    """
    drawn = [native(hard) for hard in map(_hard, references) if (hard[..., 3] > 0).any()]
    if not drawn:
        raise InvalidStyle("The references are empty pictures; give some in which something is drawn.")
    palette = important_colours(np.concatenate([_sample(pixels) for pixels in drawn]), colours)
    if len(palette) < 2:
        raise InvalidStyle("The references show a single colour; give pictures with two or more.")
    return Traits(tuple(hex_colour(rgb) for rgb in palette), _outline(drawn, palette), _light(drawn))


def light_slope(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """How much lighter (Oklab) a figure (h w 4) gets from its left to its right and from its bottom to its top.

    The slopes of the plane that fits the lightness of the opaque pixels best, without their dark outline.
    """
    inside = (pixels[..., 3] > 0) & ~dark_line(pixels)
    if inside.sum() < 16:
        return 0.0, 0.0
    y, x = (places.astype(np.float64) for places in np.nonzero(inside))
    span = [np.ptp(x) or 1.0, np.ptp(y) or 1.0]
    plane = np.stack([(x - x.mean()) / span[0], -(y - y.mean()) / span[1], np.ones_like(x)], 1)
    solved = np.linalg.lstsq(plane, oklab(pixels[inside][:, :3])[:, 0].astype(np.float64), rcond=None)[0]
    return float(solved[0]), float(solved[1])


def palette_distance(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """How far the colours of two pictures (h w 4) are apart in Oklab; 0 for the same colours.

    The weighted Chamfer distance: the mean way from a pixel's colour to the nearest colour of the other picture, in
    both directions.
    """
    colours = [
        np.unique(pixels[pixels[..., 3] > 127][:, :3], axis=0, return_counts=True)
        for pixels in (first, second)
    ]
    if not all(len(distinct) for distinct, _ in colours):
        return 0.0
    (a, a_counts), (b, b_counts) = colours
    apart = np.sqrt(((oklab(a)[:, None] - oklab(b)[None]) ** 2).sum(-1))
    there, back = np.average(apart.min(1), weights=a_counts), np.average(apart.min(0), weights=b_counts)
    return float((there + back) / 2)


def _hard(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    out = pixels.copy()
    out[..., 3] = np.where(pixels[..., 3] > 127, 255, 0)
    out[out[..., 3] == 0] = 0
    return out


def _sample(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    opaque = pixels[pixels[..., 3] > 0][:, :3]
    return opaque[np.linspace(0, len(opaque) - 1, SAMPLES).round().astype(np.int64)]


def _outline(drawn: Sequence[NDArray[np.uint8]], palette: NDArray[np.uint8]) -> str | None:
    shares, line = [], []
    for pixels in drawn:
        opaque = pixels[..., 3] > 0
        if opaque.all():
            continue  # a floor has no outline
        dark = dark_line(pixels)
        shares.append(float(dark[edge(opaque)].mean()))
        line.append(pixels[dark][:, :3])
    if not shares:
        return None
    middle = float(np.median(shares))
    if middle <= BARE:
        return "none"
    if middle < OUTLINED:
        return None
    distinct, counts = np.unique(nearest(np.concatenate(line), palette), axis=0, return_counts=True)
    return hex_colour(distinct[counts.argmax()])


def _light(drawn: Sequence[NDArray[np.uint8]]) -> Light | None:
    right, up = np.mean([light_slope(pixels) for pixels in drawn], axis=0)
    if np.hypot(right, up) < LEAST_SLOPE or up < -abs(right) / 2:
        return None
    angle = float(np.degrees(np.arctan2(max(up, 0.0), right)))
    return min(_LIGHTS, key=lambda light: abs(light[1] - angle))[0]


def outside_palette(pixels: NDArray[np.uint8], palette: tuple[str, ...]) -> float:
    """The share of opaque pixels (h w 4) whose colour ``palette`` lacks, 0 to 1."""
    opaque = pixels[pixels[..., 3] > 0][:, :3]
    if not len(opaque):
        return 0.0
    return float((opaque[:, None] != rgb_values(palette)[None]).any(-1).all(1).mean())
