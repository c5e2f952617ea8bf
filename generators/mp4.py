"""Animation -> MP4 with H.264, which marketplaces and phones show."""

import io
from fractions import Fraction

import av
import numpy as np
from av.container import OutputContainer
from numpy.typing import NDArray

from generators.animation import Animation
from generators.errors import DrawingFailed
from generators.h264 import CONTAINER, film
from generators.palette import rgb_values

BACKGROUND = "#2a2a33"  # a dark neutral: light and dark sprites both stand out, and the format has no alpha
MIN_LOOP_MS = 2000  # a looping animation is shown whole times, until it lasts this long
HOLD_MS = 600  # how long the last frame of one that plays once stands, at least: players jump back at the end
# Of 7 clips at 512 px, 32 to 48 frames each, on one thread: superfast 49 kB and 105 ms, ultrafast 90 kB and 80 ms,
# veryfast 28 kB and 145 ms. At a quality (crf) of 12, 99 % of the figure's pixels are within 3 of 255 of their colour;
# at 18 within 6, for 6 % fewer bytes.
PRESET, QUALITY = "superfast", "12"
# No frame waits for a later one: times begin at 0 in every player.
_X264 = {"preset": PRESET, "crf": QUALITY, "bf": "0", "profile": "main"}
# BT.709, limited range (ITU-R BT.709-6, items 3.2 to 3.5): red, green, blue in 0 to 255 -> luma and two differences
_TO_YUV = np.array(
    [
        [0.2126, 0.7152, 0.0722],
        [-0.2126 / 1.8556, -0.7152 / 1.8556, 0.5],
        [0.5, -0.7152 / 1.5748, -0.0722 / 1.5748],
    ]
) * np.array([[219 / 255], [224 / 255], [224 / 255]])


def mp4_bytes(animation: Animation, scale: int, background: str = BACKGROUND) -> bytes:
    """H.264 in MP4 (yuv420p, BT.709), each pixel a square of ``scale``, clear ones of the colour ``background``.

    A looping animation is repeated until it lasts 2 s; of one that plays once the last frame stands for 0.6 s. Every
    frame is shown for exactly ``frame_ms``. Sides are made even by one more row or column of background. The index
    stands in front, so that it plays while it loads. The same frames give the same bytes on the same machine: one
    thread, and nothing written of the encoder or of the hour.

    Raises DrawingFailed where the encoder takes no frames of that size.
    """
    planes = [_yuv420(frame, scale, background) for frame in animation.frames]
    order = shown_frames(len(planes), animation.frame_ms, animation.loops)
    buffer = io.BytesIO()
    try:
        with av.open(
            buffer,
            "w",
            format="mp4",
            options=CONTAINER,
            # FFmpeg reads the film again, while it moves it back to put the index in front.
            io_open=lambda url, flags, options: _Reader(buffer),
        ) as container:
            _write(container, planes, order, animation.frame_ms)
    except av.FFmpegError as error:
        height, width = animation.frames.shape[1:3]
        raise DrawingFailed(
            f"{len(planes)} frames of {width} x {height} pixels could not be written as MP4; make the clip smaller."
        ) from error
    return buffer.getvalue()


def _write(
    container: OutputContainer, planes: list[NDArray[np.uint8]], order: list[int], frame_ms: int
) -> None:
    rows, width = planes[0].shape
    with film(container, (width, rows * 2 // 3), Fraction(frame_ms, 1000), _X264) as shown:
        for index in order:
            shown.show(av.VideoFrame.from_ndarray(planes[index], "yuv420p"))


def shown_frames(count: int, frame_ms: int, loops: bool) -> list[int]:
    """Which of ``count`` frames the film shows one after another; its rules are told at ``mp4_bytes``."""
    if loops:
        return list(range(count)) * max(1, -(-MIN_LOOP_MS // (count * frame_ms)))
    return [*range(count), *[count - 1] * max(0, -(-HOLD_MS // frame_ms) - 1)]


def _yuv420(frame: NDArray[np.uint8], scale: int, background: str) -> NDArray[np.uint8]:
    """One frame (h w 4, straight alpha) enlarged: luma and, below it, both differences (h * 3/2 w, uint8).

    The colours are turned before enlarging: exact, and no differences bleed over pixels of an even scale.
    """
    alpha = frame[..., 3:] / 255
    solid = frame[..., :3] * alpha + rgb_values((background,))[0] * (1 - alpha)
    pad = [(0, side * scale % 2) for side in frame.shape[:2]]
    yuv = solid @ _TO_YUV.T + (16, 128, 128)
    empty = rgb_values((background,))[0] @ _TO_YUV.T + (16, 128, 128)
    large = [
        np.pad(yuv[..., part].repeat(scale, 0).repeat(scale, 1), pad, constant_values=empty[part])
        for part in range(3)
    ]
    height, width = large[0].shape
    halved = [part.reshape(height // 2, 2, width // 2, 2).mean((1, 3)) for part in large[1:]]
    stacked = np.concatenate([large[0].ravel(), *[part.ravel() for part in halved]])
    return stacked.round().astype(np.uint8).reshape(height * 3 // 2, width)


class _Reader(io.RawIOBase):
    """A second place in bytes that are still being written."""

    def __init__(self, source: io.BytesIO) -> None:
        self._source, self._at = source, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        with self._source.getbuffer() as view:
            data = bytes(view[self._at : None if size < 0 else self._at + size])
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.getbuffer().nbytes}[whence]
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at
