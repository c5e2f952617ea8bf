"""The line around a figure: drawn in one colour, taken away, and checked.

A figure's *edge* is its opaque pixels that touch, with a side, a clear pixel or the canvas's end. The rule of a drawn
outline is that the whole edge has its colour: then the line is closed and one pixel thick.
"""

import numpy as np
from numpy.typing import NDArray

from generators.palette import oklab, rgb_values

# An edge pixel is part of a dark outline where its Oklab lightness is under LINE_LIGHTNESS, and under that of the
# pixels behind it by LINE_CONTRAST. The training art's outlines lie at 0.00 to 0.25, its lit edges at 0.45 and more.
LINE_LIGHTNESS = 0.38
LINE_CONTRAST = 0.08
_SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))
_AROUND = (*_SIDES, (-1, -1), (-1, 1), (1, -1), (1, 1))


def edge(opaque: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The edge (h w) of what is ``opaque`` (h w)."""
    inside = np.ones_like(opaque)
    for step in _SIDES:
        inside &= _shifted(opaque, step)
    return opaque & ~inside


def dark_line(pixels: NDArray[np.uint8], thin_parts: bool = True) -> NDArray[np.bool_]:
    """The edge pixels (h w) of ``pixels`` (h w 4) that are a dark outline: dark, and darker than what they enclose.

    Dark ``thin_parts``, which enclose nothing, count as outline or do not.
    """
    opaque = pixels[..., 3] > 0
    rim = edge(opaque)
    lightness = oklab(pixels[..., :3].reshape(-1, 3))[:, 0].reshape(opaque.shape)
    behind = opaque & ~rim
    total, count = np.zeros(opaque.shape), np.zeros(opaque.shape)
    for step in _AROUND:
        known = _shifted(behind, step)
        total += np.where(known, _shifted(lightness, step), 0)
        count += known
    enclosed = total / np.maximum(count, 1)
    contrast = np.where(count == 0, thin_parts, lightness < enclosed - LINE_CONTRAST)
    return rim & (lightness < LINE_LIGHTNESS) & contrast


def draw_outline(pixels: NDArray[np.uint8], colour: str) -> NDArray[np.uint8]:
    """``pixels`` (h w 4, alpha 0 or 255) with a closed outline, one pixel thick, of ``colour`` ("#rrggbb").

    A dark line that is there takes the colour. Elsewhere the line lies outside, on clear pixels, so that thin blades
    keep their width; but inside at the end of the canvas and below the figure's lowest row, so that it still stands
    where it stood. A picture that fills its canvas, such as a floor, has no outline and is returned as it is.
    """
    opaque = pixels[..., 3] > 0
    if opaque.all() or not opaque.any():
        return pixels
    rgb = rgb_values((colour,))[0]
    line = dark_line(pixels) | (edge(opaque) & (pixels[..., :3] == rgb).all(-1))
    body = opaque & ~line
    grown = np.zeros_like(opaque)
    for step in _SIDES:
        grown |= _shifted(body, step)
    lowest = int(np.flatnonzero(opaque.any(1))[-1])
    outside = grown & ~opaque
    outside[lowest + 1 :] = False
    out = pixels.copy()
    out[line | outside] = (*rgb, 255)
    rest = edge(out[..., 3] > 0)  # what could not grow, at the canvas's end and at the feet
    out[rest] = (*rgb, 255)
    return out


def remove_outline(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``pixels`` (h w 4) whose dark outline has taken the colours behind it; the silhouette stays the same.

    Each pixel of the line takes the lightest colour beside it that is not of the line; limbs that are nothing but
    line keep theirs.
    """
    line = dark_line(pixels)
    known = (pixels[..., 3] > 0) & ~line
    lightness = oklab(pixels[..., :3].reshape(-1, 3))[:, 0].reshape(known.shape)
    out, best = pixels.copy(), np.full(known.shape, -1.0)
    for step in _AROUND:
        beside = np.where(_shifted(known, step), _shifted(lightness, step), -1.0)
        better = line & (beside > best)
        out[better] = _shifted(pixels, step)[better]
        best = np.where(better, beside, best)
    return out


def outline_share(pixels: NDArray[np.uint8], rule: str) -> float:
    """How much of the edge of ``pixels`` (h w 4) keeps ``rule`` ("none" or "#rrggbb"), 0 to 1; 1 without an edge."""
    opaque = pixels[..., 3] > 0
    rim = edge(opaque)
    if not rim.any() or opaque.all():
        return 1.0
    if rule == "none":
        return 1 - float(dark_line(pixels, thin_parts=False)[rim].mean())
    return float((pixels[rim][:, :3] == rgb_values((rule,))[0]).all(-1).mean())


def _shifted(field: NDArray, step: tuple[int, int]) -> NDArray:
    """``field`` (h w …) seen from each place's neighbour ``step`` away; zeros beyond the canvas."""
    padded = np.pad(field, ((1, 1), (1, 1), *((0, 0),) * (field.ndim - 2)))
    height, width = field.shape[:2]
    return padded[1 + step[0] : 1 + step[0] + height, 1 + step[1] : 1 + step[1] + width]
