"""How films are encoded: H.264 in MP4, as players expect HD to be coloured, with the same bytes for the same frames."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.stream import VideoStream

CONTAINER = {"movflags": "+faststart", "fflags": "+bitexact"}  # the index in front: it plays while it loads
# One thread, so that the bytes do not depend on how many cores there are.
_ONE_THREAD = "threads=1:sliced-threads=0:deterministic=1"
# The encoder writes its version and options into the film (supplemental information, ITU-T H.264, section 7.4.1).
_WITHOUT_NAME = "filter_units=remove_types=6"
_BT709, _LIMITED = 1, 1  # ITU-T H.273: primaries, transfer and matrix; range as FFmpeg numbers it


class Film:
    """One video stream of yuv420p frames in an open container; frame k is shown from k to k + 1 frame times on."""

    def __init__(
        self,
        container: OutputContainer,
        size: tuple[int, int],
        frame_time_s: Fraction,
        x264: Mapping[str, str],
    ) -> None:
        options = {**x264, "x264-params": _ONE_THREAD}
        self._container, self._frame_time_s = container, frame_time_s
        self._stream: VideoStream = container.add_stream("libx264", rate=1 / frame_time_s, options=options)
        context = self._stream.codec_context
        context.width, context.height = size
        context.pix_fmt = "yuv420p"
        context.thread_count = 1
        context.time_base = frame_time_s
        context.flags |= Flags.bitexact
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        self._nameless = BitStreamFilterContext(_WITHOUT_NAME, self._stream)
        self._count = 0

    def show(self, frame: av.VideoFrame) -> None:
        """Appends a frame (yuv420p, BT.709, limited range)."""
        frame.pts, frame.time_base = self._count, self._frame_time_s
        self._count += 1
        self._write(self._stream.encode(frame))

    def end(self) -> None:
        self._write([*self._stream.encode(None), None])

    def _write(self, packets: list[Any]) -> None:
        for packet in packets:
            self._container.mux(self._nameless.filter(packet))


@contextmanager
def film(
    container: OutputContainer, size: tuple[int, int], frame_time_s: Fraction, x264: Mapping[str, str]
) -> Iterator[Film]:
    """A stream of that width and height, ended when its frames are all shown. ``x264``: the encoder's own options."""
    made = Film(container, size, frame_time_s, x264)
    yield made
    made.end()
