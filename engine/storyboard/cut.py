"""Pictures one after another become a film: MP4 with H.264, or animated WebP. Never more than a few are held."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray
from PIL import Image

from engine.data_folder import writing_whole
from engine.errors import ExportFailed
from engine.storyboard.script import FILM_ENDINGS
from generators.h264 import CONTAINER, film

Pictures = Iterator[NDArray[np.uint8]]  # each h w 3, uint8
# Near lossless for flat colours; the tuning is x264's own for drawn pictures.
X264 = {"crf": "16", "preset": "medium", "tune": "animation"}
WEBP_METHOD = 2  # of 6: more makes a film a few percent smaller and several times slower


def write_film(path: Path, pictures: Pictures, count: int, size: tuple[int, int], fps: int) -> None:
    """Writes ``count`` pictures of that width and height as .mp4 or .webp, by the path's ending.

    The file takes its name when it is whole; an older one stays until then. The same pictures give the same bytes
    with the same libraries. Raises ExportFailed.
    """
    if path.suffix.lower() not in FILM_ENDINGS:
        raise ExportFailed(f"{path.name} is no film's name; end it in {' or '.join(FILM_ENDINGS)}.")
    write = _write_mp4 if path.suffix.lower() == ".mp4" else _write_webp
    try:
        if path.exists() and not path.is_file():
            raise ExportFailed(f"{path} is there and is not a file; give the name of a file to write.")
        with writing_whole(path) as file:
            write(file, pictures, count, size, fps)
    except (OSError, av.FFmpegError) as error:
        reason = (getattr(error, "strerror", None) or type(error).__name__).lower()
        raise ExportFailed(
            f"The film {path} cannot be written ({reason}); name one in a folder that is there, that you can write, "
            "and that has space."
        ) from error


def _write_mp4(file: BinaryIO, pictures: Pictures, count: int, size: tuple[int, int], fps: int) -> None:
    # By name, not through the open file: to move the index to the front, FFmpeg opens what it wrote once more.
    with (
        av.open(f"file:{file.name}", "w", format="mp4", options=CONTAINER) as container,
        film(container, size, Fraction(1, fps), X264) as shown,
    ):
        for _, picture in zip(range(count), pictures, strict=True):
            shown.show(
                av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                    format="yuv420p",
                    dst_colorspace=Colorspace.ITU709,
                    dst_color_range=ColorRange.MPEG,
                )
            )


def _write_webp(file: BinaryIO, pictures: Pictures, count: int, size: tuple[int, int], fps: int) -> None:
    begins_ms = [round(index * 1000 / fps) for index in range(count + 1)]
    durations = [end - begin for begin, end in pairwise(begins_ms)]
    shown = _Frames(pictures, count, size)
    shown.save(
        file, "WEBP", save_all=True, lossless=True, quality=50, method=WEBP_METHOD, duration=durations, loop=0
    )


class _Frames(Image.Image):
    """Looks to Pillow like a file of many frames, which it reads one by one, where a list would hold them all."""

    def __init__(self, pictures: Pictures, count: int, size: tuple[int, int]) -> None:
        super().__init__()
        self._mode, self._size, self.n_frames = "RGB", size, count
        self._pictures, self._index = pictures, -1
        self.seek(0)

    def seek(self, frame: int) -> None:
        if frame == self._index + 1:  # going back is what Pillow does when it is done
            self._im, self._index = Image.fromarray(next(self._pictures)).im, frame

    def tell(self) -> int:
        return max(0, self._index)
