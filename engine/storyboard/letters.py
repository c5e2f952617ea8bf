"""The font that subtitles are set in: the one inside Pillow, or a file."""

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import ImageFont

from engine.errors import InvalidStoryboard

MAX_FONT_BYTES = 30_000_000  # fonts of all Chinese characters have 20 MB
NO_LETTER = "\uffff"  # Unicode says that it is none (Unicode 16, section 23.7): a font draws its empty box
_INSTEAD = str.maketrans({"–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "„": "“", "‚": "‘"})
AnyFont = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Letters:
    """``data`` are the bytes of a font file, or None for Pillow's own, which has what English needs."""

    data: bytes | None = None

    @classmethod
    def read(cls, path: Path) -> "Letters":
        """Raises InvalidStoryboard where the file is no font that FreeType reads, or has more than 30 MB."""
        try:
            if not path.is_file() or path.stat().st_size > MAX_FONT_BYTES:
                raise InvalidStoryboard(
                    f"there is no font file of at most 30 MB {str(path)[:200]!r}; check the path."
                )
            letters = cls(path.read_bytes())
            letters.font(12)
        except (OSError, ValueError) as error:
            raise InvalidStoryboard(
                f"{str(path)[:200]!r} cannot be read as a font; give a .ttf or .otf file."
            ) from error
        return letters

    def font(self, size_px: int) -> AnyFont:
        if self.data is None:
            return ImageFont.load_default(size_px)
        return ImageFont.truetype(io.BytesIO(self.data), size_px)

    def known(self, text: str) -> str:
        """The text with dashes and low quotes that Pillow's font lacks as ones that it has."""
        return text.translate(_INSTEAD) if self.data is None else text

    def missing(self, text: str) -> str | None:
        """The first letter that the font has not, or None."""
        font = self.font(24)
        box = bytes(font.getmask(NO_LETTER))
        drawn = (letter for letter in self.known(text) if not letter.isspace())
        return next((letter for letter in drawn if bytes(font.getmask(letter)) == box), None)


BUILT_IN = Letters()


def wrapped(text: str, font: AnyFont, room: int) -> list[str]:
    """The text in lines of at most ``room`` pixels, broken between words and, where one is too long, within it."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if font.getlength(longer) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while font.getlength(line) > room and len(line) > 1:
            fits = max(n for n in range(1, len(line)) if n == 1 or font.getlength(line[:n]) <= room)
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line] if line else lines
