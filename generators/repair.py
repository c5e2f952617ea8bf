"""What is mended in every finished picture: specks that belong to nothing, and feet that hang in the air."""

import numpy as np
from numpy.typing import NDArray

from generators.parts import parts
from generators.recipe import Kind

# Shares of the canvas's side. In the training art 0.1 % of the 32 px pictures have a part this small so far from
# everything else, and 15 % of the 64 px units, as sparks and dust; their loss is not missed.
SPECK_SHARE = 1 / 8  # a group of at most this many pixels (4 at 32 px, 8 at 64 px) is a speck
# Characters of the training art stand within this of the canvas's end: all dolls and 99.8 % of the units; of the
# monsters 3.7 % hover higher.
HOVER_SHARE = 1 / 8
FEET_GAP_PX = 1  # where the art's resting units stand


def groups(opaque: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A number for each pixel (h w; 0 is clear) and the pixels of each number: parts at most two pixels apart are
    one group, such as a head and the plume above it."""
    height, width = opaque.shape
    padded = np.pad(opaque, 1)
    near = np.logical_or.reduce([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)])
    labels = np.where(opaque, parts(near)[0], 0)
    return labels, np.bincount(labels.ravel(), minlength=1)


def specks(opaque: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels (h w) of groups too small to be anything; never those of the largest group."""
    labels, sizes = groups(opaque)
    small = sizes <= int(len(opaque) * SPECK_SHARE)
    small[0] = False
    small[int(sizes[1:].argmax()) + 1 if len(sizes) > 1 else 0] = False
    return small[labels]


def hover_px(opaque: NDArray[np.bool_]) -> int:
    """How many pixels are clear below the lowest opaque one; 0 for an empty picture."""
    rows = np.flatnonzero(opaque.any(1))
    return len(opaque) - 1 - int(rows[-1]) if len(rows) else 0


def hovers(opaque: NDArray[np.bool_]) -> bool:
    """Whether a character's feet are too far above the canvas's end to stand in a row with others."""
    return hover_px(opaque) > int(len(opaque) * HOVER_SHARE)


def mended(pixels: NDArray[np.uint8], kind: Kind) -> NDArray[np.uint8]:
    """``pixels`` (h w 4, alpha 0 or 255) without specks; a character that hovers is set down on its feet."""
    if kind is Kind.ILLUSTRATION:
        return pixels
    out = pixels.copy()
    out[specks(pixels[..., 3] > 0)] = 0
    if kind is Kind.CHARACTER and hovers(out[..., 3] > 0):
        down = hover_px(out[..., 3] > 0) - FEET_GAP_PX
        out = np.concatenate([np.zeros_like(out[:down]), out[:-down]])
    return out
