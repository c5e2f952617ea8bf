"""Colours a picture may use: read from a file, or found in the picture itself."""

import io
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generators.errors import InvalidPalette
from generators.recipe import MAX_COLOURS

MAX_FILE_BYTES = 1_000_000  # a palette is a page of text or a strip of pixels
MAX_PICTURE_PIXELS = 1_048_576
CHUNK = 65_536  # colours compared with a palette at once: 200 MB for the largest palette
_HEX = re.compile(r"#?([0-9a-fA-F]{6})(?:[0-9a-fA-F]{2})?\s*(?:[;#].*)?")
_PAINT_NET = re.compile(
    r"(?:[0-9a-fA-F]{2})?([0-9a-fA-F]{6})\s*(?:;.*)?"
)  # opacity stands first in its lists


def read_palette(path: Path) -> tuple[str, ...]:
    """The colours of a palette file as "#rrggbb", in the file's order, without repeats.

    Reads lists of hex colours (.hex, Paint.NET's .txt), GIMP palettes (.gpl), JASC palettes (.pal) and pictures
    (each colour in a PNG or GIF).

    Raises InvalidPalette where the file cannot be read, is none of these, or holds fewer than 2 or more than 256
    colours.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidPalette(
                f"The palette file {path.name} is larger than 1 MB; give a .hex, .gpl or PNG file."
            )
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise InvalidPalette(f"The palette file {path} cannot be read ({reason}); check the path.") from error
    colours = _of_picture(path, data) if data[:4] in (b"\x89PNG", b"GIF8") else _of_text(path, data)
    colours = tuple(dict.fromkeys(colours))
    _check_count(path, len(colours))
    return colours


def _check_count(path: Path, count: int, remedy: str = "") -> None:
    if not 2 <= count <= MAX_COLOURS:
        counted = "1 colour" if count == 1 else f"{count:,d} colours"
        raise InvalidPalette(
            f"The palette file {path.name} holds {counted}; give one with 2 to {MAX_COLOURS}{remedy}."
        )


def _of_picture(path: Path, data: bytes) -> tuple[str, ...]:
    too_large = InvalidPalette(
        f"The palette picture {path.name} is over a million pixels; crop it to its swatches."
    )
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "GIF")) as image:
            if image.width * image.height > MAX_PICTURE_PIXELS:
                raise too_large
            pixels = np.asarray(image.convert("RGBA")).reshape(-1, 4)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_large from error
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidPalette(f"The palette picture {path.name} is damaged; save it again as PNG.") from error
    opaque = pixels[pixels[:, 3] > 127][:, :3]
    unique, first = np.unique(opaque, axis=0, return_index=True)
    too_many = len(unique) > MAX_COLOURS  # a photo was given instead of swatches
    _check_count(path, len(unique), f", or write {path.name}:16 for its 16 most important" * too_many)
    return tuple(hex_colour(rgb) for rgb in unique[np.argsort(first)])


def _of_text(path: Path, data: bytes) -> tuple[str, ...]:
    unusable = InvalidPalette(
        f"The file {path.name} is not a palette; give a list of hex colours (.hex), a GIMP .gpl, a JASC .pal, "
        "or a PNG of swatches."
    )
    try:
        lines = [line.strip() for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise unusable from error
    if not lines:
        raise unusable
    if lines[0].lower().startswith(("gimp palette", "jasc-pal")):
        triples = [re.match(r"(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})(?:\s|$)", line) for line in lines[1:]]
        values = [tuple(int(part) for part in triple.groups()) for triple in triples if triple]
        if any(part > 255 for rgb in values for part in rgb):
            raise unusable
        return tuple(hex_colour(rgb) for rgb in values)
    written = _PAINT_NET if lines[0].lower().startswith(";paint.net") else _HEX
    colours = []
    for line in lines:
        if line.startswith((";", "//")):
            continue
        if (match := written.fullmatch(line)) is None:
            raise unusable
        colours.append("#" + match.group(1).lower())
    return tuple(colours)


def hex_colour(rgb: NDArray[np.uint8] | tuple[int, ...]) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in rgb)


def rgb_values(colours: tuple[str, ...]) -> NDArray[np.uint8]:
    """n 3, uint8."""
    return np.array([list(bytes.fromhex(colour[1:])) for colour in colours], np.uint8)


def own_palette(opaque: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """At most ``count`` colours (n 3) that stand best for the ``opaque`` pixels (m 3), by Pillow's median cut."""
    strip = Image.fromarray(opaque.reshape(1, -1, 3), "RGB")
    reduced = strip.quantize(count, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
    used = np.unique(np.asarray(reduced))
    return np.array(reduced.getpalette(), np.uint8).reshape(-1, 3)[used]


def nearest(pixels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each of ``pixels`` (m 3) replaced by its nearest in ``palette`` (n 3), measured in Oklab."""
    return palette[nearest_indices(oklab(pixels), oklab(palette))]


def nearest_indices(places: NDArray[np.floating], centres: NDArray[np.floating]) -> NDArray[np.int64]:
    """For each of ``places`` (m 3) the index of its nearest in ``centres`` (n 3)."""
    parts = [places[begin : begin + CHUNK] for begin in range(0, len(places), CHUNK)]
    return np.concatenate([((part[:, None] - centres[None]) ** 2).sum(-1).argmin(1) for part in parts])


def oklab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """sRGB (n 3) -> Oklab (n 3); Ottosson 2020, with his published matrices."""
    srgb = rgb.astype(np.float32) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(linear @ _TO_CONES.T)
    return cones @ _TO_LAB.T


_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)
