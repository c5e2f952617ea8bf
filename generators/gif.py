"""Animation -> GIF: one table of colours for all frames, so that none flickers."""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generators.animation import FRAME_STEP_MS, Animation
from generators.palette import nearest_indices, oklab, own_palette

MAX_GIF_COLOURS = 255  # of 256; one index is for clear pixels
CLEAR = 0
MAX_DISTINCT = (
    32_768  # a film has more, and each is compared with the table; it is rounded to 5 bits a channel
)
_KEEP, _ERASE = 1, 2  # disposal methods (GIF89a, section 23)


def gif_bytes(animation: Animation, scale: int) -> bytes:
    """GIF89a, each pixel a square of ``scale``; forever where the animation loops, else once.

    Pixels of alpha 128 and more are opaque, the others clear. More than 255 colours are reduced over all frames
    together. Every frame is whole and is erased before the next, so that what moves leaves no trail.
    """
    indices, table = indexed(animation.frames)
    indices = indices.repeat(scale, 1).repeat(scale, 2)
    height, width = indices.shape[1:]
    bits = max(1, int(len(table) - 1).bit_length())
    colours = np.zeros((1 << bits, 3), np.uint8)
    colours[: len(table)] = table
    out = [b"GIF89a", struct.pack("<HHBBB", width, height, 0xF0 | (bits - 1), CLEAR, 0), colours.tobytes()]
    if animation.loops:
        out.append(b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", 0) + b"\0")
    clear = bool((indices == CLEAR).any())
    flags = (_ERASE if clear else _KEEP) << 2 | clear
    control = struct.pack("<BBHBB", 4, flags, animation.frame_ms // FRAME_STEP_MS, CLEAR, 0)
    for frame in indices:
        out += [
            b"\x21\xf9",
            control,
            b"\x2c",
            struct.pack("<HHHHB", 0, 0, width, height, 0),
            _lzw(frame, colours),
        ]
    return b"".join([*out, b"\x3b"])


def indexed(frames: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """``frames`` (f h w 4) as indices (f h w, uint8) into a table (n 3) whose entry 0 stands for clear pixels."""
    opaque = frames[..., 3] > 127
    drawn = frames[opaque].copy()
    drawn[:, 3] = 255
    distinct, places = np.unique(drawn.view(np.uint32)[:, 0], return_inverse=True)
    if len(distinct) > MAX_DISTINCT:
        drawn[:, :3] = (drawn[:, :3] & 0xF8) | 4
        distinct, places = np.unique(drawn.view(np.uint32)[:, 0], return_inverse=True)
    colours = distinct.view(np.uint8).reshape(-1, 4)[:, :3]
    if len(colours) > MAX_GIF_COLOURS:
        fewer = own_palette(drawn[:, :3], MAX_GIF_COLOURS)
        places = nearest_indices(oklab(colours), oklab(fewer))[places]
        colours = fewer
    indices = np.full(opaque.shape, CLEAR, np.uint8)
    indices[opaque] = places + 1
    return indices, np.concatenate([np.zeros((1, 3), np.uint8), colours])


def _lzw(indices: NDArray[np.uint8], colours: NDArray[np.uint8]) -> bytes:
    """The image data of one frame (GIF89a, section 22): Pillow compresses, and what it puts around that is cut off."""
    image = Image.fromarray(indices)
    image.putpalette(np.resize(colours, (256, 3)).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "GIF", optimize=False, interlace=0)
    data = buffer.getvalue()
    table_bytes = 3 << ((data[10] & 7) + 1)  # of the global table that the packed field announces
    at = data.index(b"\x2c", 13 + table_bytes)
    return data[at + 10 : -1]
