"""What the cast plays before: a colour, a tile repeated over the ground, or a picture fitted to the stage."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generators.palette import rgb_values
from generators.source_picture import native

SKY = "#5a7fb5"  # above a floor of tiles where no sky is given
SKY_BANDS = (
    9  # steps in which the sky lightens: flat ones, since a dithered gradient crawls when the camera zooms
)
HORIZON = np.array([255, 241, 214])  # what it lightens towards
HAZE = 0.45
NIGHT_LIGHT, DAYLIGHT = (
    0.45,
    110,
)  # what is left under a black sky, and how bright a sky is that shades nothing
FLOOR_SHADE, EDGE_SHADE = 0.82, 0.7


def colour_backdrop(
    colour: str, size: tuple[int, int], ground: int | None, sky: str | None
) -> NDArray[np.uint8]:
    """h w 3, uint8: one colour, with a floor from ``ground`` down: darker, or of that colour below the ``sky``.

    ``size`` is width and height, here as everywhere in this module.
    """
    out = _filled(colour, size)
    if ground is not None:
        if sky is None:
            _shade(out[ground:], FLOOR_SHADE)
        else:
            out[:ground] = sky_backdrop(sky, size, ground)[:ground]
        _shade(out[ground : ground + 1], EDGE_SHADE)
    return out


def tile_backdrop(
    tile: NDArray[np.uint8], size: tuple[int, int], ground: int | None, sky: str | None
) -> NDArray[np.uint8]:
    """h w 3, uint8: the tile (h w 4) side by side from ``ground`` down, or over the whole stage where that is None."""
    width, height = size
    top = 0 if ground is None else ground
    out = sky_backdrop(sky or SKY, size, top)
    opaque = tile[..., 3] > 127
    behind = tile[opaque][:, :3].mean(0) * FLOOR_SHADE if opaque.any() else np.zeros(3)
    solid = np.where(opaque[..., None], tile[..., :3], behind.astype(np.uint8))
    across, down = -(-width // tile.shape[1]), -(-(height - top) // tile.shape[0])
    if sky is not None:  # at night, grass is not as bright as by day
        light = min(1.0, NIGHT_LIGHT + (1 - NIGHT_LIGHT) * float(rgb_values((sky,)).mean()) / DAYLIGHT)
        solid = (solid * light).astype(np.uint8)
    out[top:] = np.tile(solid, (down, across, 1))[: height - top, :width]
    if ground is not None:
        _shade(out[top : top + 1], EDGE_SHADE)  # the floor's edge, so that it does not swim in the sky
    return out


def sky_backdrop(colour: str, size: tuple[int, int], horizon: int) -> NDArray[np.uint8]:
    """h w 3, uint8: ``colour`` that lightens in bands down to the row ``horizon``."""
    out = _filled(colour, size)
    top = out[0, 0].astype(float)
    haze = HAZE * (0.3 + 0.7 * top.mean() / 255)  # a night keeps its colour down to the horizon
    edges = np.linspace(0, horizon, SKY_BANDS + 1).astype(int)
    for band, (begin, end) in enumerate(pairwise(edges)):
        share = haze * (band / (SKY_BANDS - 1)) ** 2
        out[begin:end] = (top * (1 - share) + HORIZON * share).astype(np.uint8)
    return out


def picture_backdrop(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """h w 3, uint8: the picture (h w 4) so large that it covers the stage, its middle in the middle.

    Pixel art that was scaled up gets its own pixels back, and is only ever enlarged by whole numbers.
    """
    width, height = size
    art = native(picture)
    scale = max(width / art.shape[1], height / art.shape[0])
    if scale >= 1:
        art = art.repeat(times := int(np.ceil(scale)), 0).repeat(times, 1)
    else:
        to = (max(width, round(art.shape[1] * scale)), max(height, round(art.shape[0] * scale)))
        reduced = Image.fromarray(art, "RGBA").convert("RGBa").resize(to, Image.Resampling.BOX)
        art = np.asarray(reduced.convert("RGBA"))
    top, left = (art.shape[0] - height) // 2, (art.shape[1] - width) // 2
    art = art[top : top + height, left : left + width]
    alpha = art[..., 3:].astype(np.uint16)
    return ((art[..., :3] * alpha + 127) // 255).astype(np.uint8)  # what is clear shows black


def _filled(colour: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    out = np.empty((size[1], size[0], 3), np.uint8)
    out[:] = rgb_values((colour,))[0]
    return out


def _shade(rows: NDArray[np.uint8], factor: float) -> None:
    rows[:] = (rows * factor).astype(np.uint8)
