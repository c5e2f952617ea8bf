"""A picture that a drawing starts from, or the mask that says where it may change: read safely, fitted to size."""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generators.errors import InvalidPicture
from generators.png import encode_png

# A picture is decoded only within these. 16 million pixels take 64 MB; a larger one was not meant for a sprite.
MAX_FILE_BYTES = 20_000_000
MAX_PIXELS = 4096 * 4096
FORMATS = ("PNG", "GIF", "WEBP", "JPEG", "BMP")
MIN_NATIVE_PX = 16  # smaller, and a picture of one colour would count as one pixel scaled up
WHITE, BLACK = np.array([[255] * 4, [0, 0, 0, 255]], np.uint8)


PictureReader = Callable[[str], bytes]  # CID -> the bytes of a picture or mask


@dataclass(frozen=True)
class Source:
    """``pixels``: size size 4, uint8, straight alpha; ``mask``: size size, true where they may change, or None."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None = None


def no_pictures(cid: str) -> bytes:
    """A reader for recipes that start from nothing. Raises InvalidPicture."""
    raise InvalidPicture(f"The recipe starts from the picture {cid}, which is not at hand; give its bytes.")


def read_bytes(path: Path) -> bytes:
    """The bytes of a picture file. Raises InvalidPicture where it cannot be read or is larger than 20 MB."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidPicture(
                f"{path} is a file of {path.stat().st_size / 1e6:,.0f} MB; give one of 20 MB or less."
            )
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise InvalidPicture(f"The picture {path} cannot be read ({reason}); check the path.") from error


def read_picture(data: bytes, name: str) -> NDArray[np.uint8]:
    """Pixels (h w 4, uint8, straight alpha) of a PNG, GIF, WebP, JPEG or BMP; ``name`` is what messages call it.

    Raises InvalidPicture where the bytes are none of these, more than 20 MB, more than 16 million pixels, or several
    frames; nothing is decoded before these are known.
    """
    if len(data) > MAX_FILE_BYTES:
        raise InvalidPicture(f"{name} is a file of {len(data) / 1e6:,.0f} MB; give one of 20 MB or less.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise InvalidPicture(_too_large(name, f"{width:,d} x {height:,d}"))
                if getattr(image, "is_animated", False):
                    raise InvalidPicture(
                        f"{name} has more than one frame; save the one that you mean as PNG."
                    )
                return np.asarray(image.convert("RGBA"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidPicture(_too_large(name, "far too many")) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InvalidPicture(f"{name} is not a readable picture; save it again as PNG.") from error


def _too_large(name: str, size: str) -> str:
    return f"{name} has {size} pixels; scale it down to 4096 x 4096 or less."


def read_mask(data: bytes, name: str) -> NDArray[np.bool_]:
    """Where a picture may change (h w, bool): the pixels of a mask that are brighter than half and not clear.

    Raises InvalidPicture as ``read_picture``, and where the mask marks nothing.
    """
    pixels = read_picture(data, name)
    mask = (pixels[..., :3].mean(-1) > 127) & (pixels[..., 3] > 127)
    if not mask.any():
        raise InvalidPicture(f"{name} has no white pixel; paint white what is to change.")
    return mask


def fitted(pixels: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """The picture (h w 4, straight alpha) on a clear square of ``size_px``, centred, as large as fits.

    Every pixel of it is fully opaque or fully clear. Pixel art that was scaled up by a whole number gets its own
    pixels back; other pictures are reduced by area in premultiplied alpha, and smaller ones are put on the canvas as
    they are.
    """
    placed = _placed(native(pixels), size_px)
    opaque = placed[..., 3] > 127
    placed[..., 3] = 255
    placed[~opaque] = 0
    return placed


def _placed(pixels: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if max(height, width) > size_px:
        scale = size_px / max(height, width)
        to = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = Image.fromarray(pixels, "RGBA").convert("RGBa").resize(to, Image.Resampling.BOX)
        pixels = np.asarray(image.convert("RGBA"))
        height, width = pixels.shape[:2]
    canvas = np.zeros((size_px, size_px, 4), np.uint8)
    top, left = (size_px - height) // 2, (size_px - width) // 2
    canvas[top : top + height, left : left + width] = pixels
    return canvas


def native(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undoes a scaling by a whole number of at least two, where every block holds one colour."""
    height, width = pixels.shape[:2]
    for scale in range(min(height, width), 1, -1):
        if height % scale or width % scale:
            continue
        small = pixels[::scale, ::scale]
        if min(small.shape[:2]) >= MIN_NATIVE_PX and np.array_equal(
            small.repeat(scale, 0).repeat(scale, 1), pixels
        ):
            return small
    return pixels


def fitted_mask(mask: NDArray[np.bool_], picture: NDArray[np.uint8], size_px: int) -> NDArray[np.bool_]:
    """The mask of ``picture`` (both h w, as read), moved and scaled as ``fitted`` does with the picture.

    Raises InvalidPicture where they differ in size.
    """
    if mask.shape != picture.shape[:2]:
        raise InvalidPicture(
            f"The mask is {mask.shape[1]} x {mask.shape[0]} pixels and the picture {picture.shape[1]} x "
            f"{picture.shape[0]}; give a mask of the picture's size."
        )
    small = native(picture)
    scale = picture.shape[0] // small.shape[0]
    marked = np.zeros((*small.shape[:2], 4), np.uint8)
    marked[mask[::scale, ::scale]] = 255
    return np.asarray(_placed(marked, size_px)[..., 3] > 0)  # a pixel that the mask touches at all


def mask_png(mask: NDArray[np.bool_]) -> bytes:
    """PNG bytes of a mask (h w), white where it marks and black elsewhere."""
    return encode_png(np.where(mask[..., None], WHITE, BLACK), 1, {})
