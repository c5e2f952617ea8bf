"""Subtitles, burnt into the picture or as WebVTT beside the film."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.errors import InvalidStoryboard
from engine.storyboard.letters import Letters, wrapped
from engine.storyboard.script import Line, Storyboard

MARGIN = 0.05  # of each side, which old screens cut off (SMPTE ST 2046-1: 90 percent of the picture is safe)
LETTER = 0.052  # of the film's height; a line then holds some forty letters, as broadcasters have it
SMALLEST_LETTER_PX = 9
MAX_SHOWN_LINES = 3
INK, RIM = (255, 255, 255), (16, 12, 24)


class SubtitleForm(StrEnum):
    """Where subtitles go: into the picture, into a file beside it, or nowhere."""

    BURN = "burn"
    VTT = "vtt"
    NONE = "none"


class Subtitler:
    """Sets texts at the bottom of pictures of one size, and keeps the last one that it set."""

    def __init__(self, size: tuple[int, int], letters: Letters) -> None:
        self._size, self._letters = size, letters
        self._last: tuple[str, NDArray[np.uint8], NDArray[np.uint16], int] | None = None

    def burn(self, picture: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
        """A copy of the picture (h w 3, uint8) with the text in it."""
        if self._last is None or self._last[0] != text:
            self._last = (text, *self._set(text))
        _, letters, alpha, top = self._last
        out = picture.copy()
        rows = out[top : top + len(letters)]
        rows[:] = (letters * alpha + rows * (255 - alpha) + 127) // 255
        return out

    def _set(self, text: str) -> tuple[NDArray[np.uint8], NDArray[np.uint16], int]:
        """The lines as a strip over the whole width (h w 3), its alpha (h w 1), and the strip's top row."""
        width, height = self._size
        room = int(width * (1 - 2 * MARGIN))
        size = max(SMALLEST_LETTER_PX, round(height * LETTER))
        while True:
            font = self._letters.font(size)
            lines = wrapped(self._letters.known(text), font, room)
            if len(lines) <= MAX_SHOWN_LINES or size <= SMALLEST_LETTER_PX:
                break
            size -= 1
        rim = max(1, round(size / 10))
        pitch = round(size * 1.25)
        strip = Image.new("RGBA", (width, min(height, pitch * len(lines) + 2 * rim)), (0, 0, 0, 0))
        draw = ImageDraw.Draw(strip)
        for number, line in enumerate(lines):
            left = round((width - font.getlength(line)) / 2)
            draw.text((left, rim + number * pitch), line, INK, font, stroke_width=rim, stroke_fill=RIM)
        pixels = np.asarray(strip)
        top = max(0, int(height * (1 - MARGIN)) - strip.height)
        return pixels[..., :3].copy(), pixels[..., 3:].astype(np.uint16), top


def check_letters(board: Storyboard, letters: Letters) -> None:
    """Raises InvalidStoryboard where a subtitle has letters that the font would draw as empty boxes."""
    for number, shot in enumerate(board.shots):
        for line in shot.lines(board.fps):
            if missing := letters.missing(line.text):
                raise InvalidStoryboard(
                    f"shots[{number}].subtitle: the font cannot draw {missing!r}; name a font file that can in the "
                    "field font, or use --subtitles vtt, which every player sets in a font of its own."
                )


def shown(lines: Iterable[Line], second: float) -> str | None:
    """The text that stands at that second of a shot: of several the last to begin."""
    texts = [line for line in lines if line.start <= second < line.end]
    return max(texts, key=lambda line: line.start).text if texts else None


def webvtt(board: Storyboard) -> str:
    """All subtitles as a WebVTT file (W3C WebVTT, section 4.1)."""
    return "\n".join(["WEBVTT", "", *_cues(board)])


def _cues(board: Storyboard) -> Iterator[str]:
    begun, number = 0, 0
    for shot in board.shots:
        length = shot.frames(board.fps) / board.fps
        for line in sorted(shot.lines(board.fps), key=lambda one: one.start):
            start, end = (begun / board.fps + min(at, length) for at in (line.start, line.end))
            if end > start:
                number += 1
                yield f"{number}\n{_time(start)} --> {_time(end)}\n{_escaped(line.text)}\n"
        begun += shot.frames(board.fps)


def _time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _escaped(text: str) -> str:
    """On one line, since an empty one would end the cue; ``>`` too, so that no arrow stands in a text."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
