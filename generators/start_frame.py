"""The first frame of a clip that a video model draws from a picture."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generators.palette import oklab

# What stands behind a picture that is clear in places; of these the one that its own colours are farthest from.
GROUNDS = np.array([[255, 255, 255], [128, 128, 128], [0, 0, 0], [0, 177, 64]], np.uint8)


def start_frame(source: NDArray[np.uint8], width: int, height: int, *, pixelised: bool) -> Image.Image:
    """``source`` (size size 4, uint8, alpha 0 or 255) as an opaque frame of ``width`` x ``height``.

    It fills the square in the middle, which is the part of a ``pixelised`` clip that is kept. Elsewhere a picture that
    is clear above and below, or at its sides, as far as the frame does not reach, fills the frame instead. Pixels are
    repeated where it grows, so that pixel art stays pixel art, and averaged where it shrinks.
    """
    opaque = source[..., 3] > 127
    behind = _ground(source[opaque][:, :3])
    flat = np.where(opaque[..., None], source[..., :3], behind).astype(np.uint8)
    size = len(source)
    left, top = (round(size * (1 - side / max(width, height)) / 2) for side in (width, height))
    within = np.zeros_like(opaque)
    within[top : size - top, left : size - left] = True
    if not pixelised and not (opaque & ~within).any():
        return _resized(flat[top : size - top, left : size - left], width, height)
    side = min(width, height)
    frame = Image.new("RGB", (width, height), tuple(int(level) for level in behind))
    frame.paste(_resized(flat, side, side), ((width - side) // 2, (height - side) // 2))
    return frame


def _resized(pixels: NDArray[np.uint8], width: int, height: int) -> Image.Image:
    grows = width >= pixels.shape[1] and height >= pixels.shape[0]
    how = Image.Resampling.NEAREST if grows else Image.Resampling.BOX
    return Image.fromarray(np.ascontiguousarray(pixels), "RGB").resize((width, height), how)


def _ground(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if not len(colours):
        return GROUNDS[0]
    lab = oklab(np.unique(colours, axis=0).astype(np.float32))
    nearest = [float(((lab - ground) ** 2).sum(-1).min()) for ground in oklab(GROUNDS.astype(np.float32))]
    return GROUNDS[int(np.argmax(nearest))]
