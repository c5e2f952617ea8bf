"""What people write where a palette is wanted: a name, a file, a picture with a number, a number, or "none"."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generators.colour_choice import important_colours
from generators.errors import InvalidPalette
from generators.named_palettes import named_palette, unknown_palette
from generators.palette import hex_colour, read_palette
from generators.recipe import MAX_COLOURS
from generators.source_picture import read_bytes, read_picture

_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
PHOTO_PX = 512  # a side: more pixels name no more colours
_COUNTED = re.compile(r"(.+):([0-9]{1,9})", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,9}")


def chosen_palette(text: str) -> int | tuple[str, ...] | None:
    """The palette that ``text`` means, as a recipe holds it: None, a number of colours, or hex colours.

    "none" and a number are those; a file is read as a palette; "PICTURE:16" gives that picture's 16 most important
    colours; anything else is a palette's name.

    Raises InvalidPalette where none of these holds, InvalidPicture where a picture cannot be read.
    """
    if text.lower() == "none":
        return None
    if _NUMBER.fullmatch(text):
        return int(text)
    path = Path(text)
    if not _is_file(path):
        if (named := named_palette(text)) is not None:
            return named
        if (counted := _COUNTED.fullmatch(text)) is not None:
            return picture_palette(Path(counted[1]), int(counted[2]))
        if "/" not in text and not path.suffix:
            raise unknown_palette(text)
    return read_palette(path)


def chosen_colour(text: str) -> str:
    """A colour as a recipe writes it, "#rrggbb", from six hex digits in any case. Raises InvalidPalette."""
    if (match := _HEX.fullmatch(text)) is None:
        raise InvalidPalette(f"{text[:40]!r} is not a colour; write it as #rrggbb, for example #1a1c2c.")
    return f"#{match[1].lower()}"


def chosen_outline(text: str) -> str:
    """An outline rule as a recipe writes it: "none" or a colour. Raises InvalidPalette."""
    return "none" if text.lower() == "none" else chosen_colour(text)


def picture_palette(path: Path, count: int) -> tuple[str, ...]:
    """A picture's ``count`` most important colours as "#rrggbb", commonest first.

    Raises InvalidPicture as ``read_picture``, and InvalidPalette where the picture shows fewer than 2 colours or
    ``count`` is not 2 to 256.
    """
    if not 2 <= count <= MAX_COLOURS:
        raise InvalidPalette(
            f"{count} colours of {path.name} cannot be taken; write a number from 2 to {MAX_COLOURS}."
        )
    colours = important_colours(_opaque_colours(path), count)
    if len(colours) < 2:
        raise InvalidPalette(f"The picture {path.name} shows fewer than 2 colours; give another.")
    return tuple(hex_colour(rgb) for rgb in colours)


def _opaque_colours(path: Path) -> NDArray[np.uint8]:
    """The opaque pixels (m 3, uint8) of a picture, of at most 512 x 512 places."""
    pixels = read_picture(read_bytes(path), f"The picture {path.name}")
    # Single pixels are picked: mixing them would make colours that the picture does not have.
    step = -(-max(pixels.shape[:2]) // PHOTO_PX)
    picked = pixels[::step, ::step].reshape(-1, 4)
    return picked[picked[:, 3] > 127][:, :3]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # of a name that no file system takes
        return False
