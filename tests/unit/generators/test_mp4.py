import io
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.animation import Animation
from generators.errors import DrawingFailed
from generators.mp4 import BACKGROUND, HOLD_MS, MIN_LOOP_MS, mp4_bytes, shown_frames
from generators.palette import rgb_values
from tests.unit.generators.moving import animation, many_colours


def decoded(data: bytes) -> tuple[np.ndarray, list[Fraction]]:
    """Frames (f h w 3) and when each begins, in seconds."""
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(video=0))
        pixels = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
        return pixels, [frame.pts * frame.time_base for frame in frames]


def test_film_is_h264_that_every_player_shows() -> None:
    data = mp4_bytes(animation(), 8)
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.profile, stream.pix_fmt) == ("h264", "Main", "yuv420p")
        assert (stream.width, stream.height) == (512, 512)
        assert stream.average_rate == Fraction(1000, 60)
        assert stream.duration * stream.time_base == Fraction(48 * 60, 1000)
        assert stream.codec_context.colorspace == 1  # BT.709


def test_index_stands_before_the_pictures() -> None:
    data = mp4_bytes(animation(), 8)
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_pixels_keep_their_place_and_their_colour() -> None:
    """Each pixel's middle is compared: only the format's halved colours and its rounding may differ."""
    shown = animation(8, loops=False)
    pixels, _ = decoded(mp4_bytes(shown, 8))
    middle = pixels[:8, 4::8, 4::8].astype(int)
    solid = np.where(shown.frames[..., 3:] > 0, shown.frames[..., :3], rgb_values((BACKGROUND,))[0])
    apart = np.abs(middle - solid).max(-1)
    assert np.quantile(apart, 0.99) <= 12
    assert apart.mean() < 3


def test_clear_pixels_take_the_background() -> None:
    pixels, _ = decoded(mp4_bytes(animation(2), 8, "#c02040"))
    assert np.abs(pixels[:, :40, :40].astype(int) - (0xC0, 0x20, 0x40)).max() <= 4


@pytest.mark.parametrize("frame_ms", [20, 70, 130, 1000])
def test_every_frame_begins_exactly_when_it_should(frame_ms: int) -> None:
    _, begins = decoded(mp4_bytes(animation(5, frame_ms=frame_ms), 2))
    assert begins == [Fraction(index * frame_ms, 1000) for index in range(len(begins))]


@given(st.integers(1, 257), st.integers(2, 100), st.booleans())
def test_loops_are_whole_and_last_and_one_shots_hold_their_last_frame(
    count: int, hundredths: int, loops: bool
) -> None:
    frame_ms = hundredths * 10
    order = shown_frames(count, frame_ms, loops)
    if loops:
        assert order == list(range(count)) * (len(order) // count)
        assert (
            MIN_LOOP_MS <= len(order) * frame_ms < max(MIN_LOOP_MS + count * frame_ms, count * frame_ms + 1)
        )
    else:
        assert order[:count] == list(range(count))
        held = order[count - 1 :]
        assert set(held) == {count - 1}
        assert HOLD_MS <= len(held) * frame_ms < HOLD_MS + max(frame_ms, HOLD_MS)


def test_looping_film_shows_its_frames_again() -> None:
    pixels, _ = decoded(mp4_bytes(animation(8, frame_ms=100), 2))
    assert len(pixels) == 24
    assert np.abs(pixels[8:16].astype(int) - pixels[:8]).mean() < 2
    assert max(np.abs(a.astype(int) - b).mean() for a, b in pairwise(pixels[:8])) > 5  # it does move


@pytest.mark.parametrize(("height", "width", "scale"), [(7, 13, 1), (7, 13, 3), (33, 20, 15), (1, 1, 1)])
def test_odd_sides_are_made_even_with_background(height: int, width: int, scale: int) -> None:
    shown = Animation("idle", many_colours(3)[:, 40 - height :, 40 - width :], 100, False)
    pixels, _ = decoded(mp4_bytes(shown, scale, "#000000"))
    assert pixels.shape[1:3] == (height * scale + height * scale % 2, width * scale + width * scale % 2)
    if height * scale % 2 and scale > 1:
        assert pixels[:, -1].mean() < pixels[:, :-1].mean() / 2


def test_same_frames_give_the_same_bytes_and_name_no_encoder() -> None:
    data = mp4_bytes(animation(), 8)
    assert mp4_bytes(animation(), 8) == data
    assert not any(mark in data for mark in (b"x264", b"Lavf", b"Lavc"))


def test_frames_that_the_encoder_does_not_take_are_told() -> None:
    large = Animation("idle", np.zeros((1, 2, 40_000, 4), np.uint8), 100, False)
    with pytest.raises(
        DrawingFailed, match=r"^1 frames of 40000 x 2 pixels could not .*; make the clip smaller\.$"
    ):
        mp4_bytes(large, 1)
