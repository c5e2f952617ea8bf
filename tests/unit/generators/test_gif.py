import io

import numpy as np
import pytest
from PIL import Image

from generators.animation import Animation
from generators.gif import gif_bytes, indexed
from generators.palette import oklab
from tests.unit.generators.moving import animation, many_colours, with_still_frames


def played(data: bytes) -> tuple[np.ndarray, list[int], int | None]:
    """Frames as Pillow composes them, their times, and its repeats (0 is forever, None once)."""
    frames, times = [], []
    with Image.open(io.BytesIO(data), formats=("GIF",)) as image:
        for index in range(image.n_frames):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGBA")))
            times.append(image.info["duration"])
        return np.stack(frames), times, image.info.get("loop")


@pytest.mark.parametrize("shown", [animation(), with_still_frames()])
def test_every_frame_is_shown_as_it_is_and_leaves_no_trail(shown: Animation) -> None:
    frames, times, repeats = played(gif_bytes(shown, 2))
    large = shown.frames.repeat(2, 1).repeat(2, 2)
    assert np.array_equal(frames[..., 3], large[..., 3])
    assert np.array_equal(frames[large[..., 3] > 0], large[large[..., 3] > 0])
    assert times == [shown.frame_ms] * len(shown.frames)
    assert repeats == 0


def test_one_that_does_not_loop_plays_once() -> None:
    data = gif_bytes(animation(loops=False), 1)
    assert played(data)[2] is None
    assert b"NETSCAPE" not in data


def test_all_frames_have_one_table_of_colours() -> None:
    """A table of its own would let each frame reduce its colours another way."""
    data = gif_bytes(Animation("burn", many_colours(), 50, True), 1)
    assert data[10] & 0x80  # there is a table for all
    with Image.open(io.BytesIO(data)) as image:
        for index in range(image.n_frames):
            image.seek(index)
            assert not any(tile.args[0] for tile in image.tile if isinstance(tile.args[0], bool))
    frames = played(data)[0]
    assert len(np.unique(frames[frames[..., 3] > 0], axis=0)) <= 255


def test_as_many_colours_as_a_table_holds_are_exact_and_more_are_near() -> None:
    exact = np.zeros((1, 17, 15, 4), np.uint8)
    exact[0, ..., 0] = np.arange(255).reshape(17, 15)
    exact[..., 3] = 255
    assert np.array_equal(played(gif_bytes(Animation("glow", exact, 50, True), 1))[0], exact)
    many = many_colours()
    shown = played(gif_bytes(Animation("glow", many, 50, True), 1))[0]
    opaque = many[..., 3] > 0
    assert np.array_equal(shown[..., 3] > 0, opaque)
    apart = np.sqrt(((oklab(shown[opaque][:, :3]) - oklab(many[opaque][:, :3])) ** 2).sum(1))
    assert np.quantile(apart, 0.9) < 0.1  # 255 colours for a whole cube of them


def test_a_colour_is_reduced_the_same_way_in_every_frame() -> None:
    frames = many_colours()
    frames[:, 20] = frames[0, 20]
    indices, _ = indexed(frames)
    assert (indices[:, 20] == indices[0, 20]).all()


def test_opaque_frames_have_no_clear_colour_and_clear_ones_nothing_else() -> None:
    solid = np.full((3, 9, 9, 4), 200, np.uint8)
    solid[..., 3] = 255
    solid[1, :4] = (10, 20, 30, 255)
    assert np.array_equal(played(gif_bytes(Animation("lava", solid, 120, True), 1))[0], solid)
    empty = Animation("idle", np.zeros((2, 5, 5, 4), np.uint8), 100, True)
    assert not played(gif_bytes(empty, 1))[0][..., 3].any()


def test_same_animation_gives_the_same_bytes() -> None:
    assert gif_bytes(animation(), 4) == gif_bytes(animation(), 4)
