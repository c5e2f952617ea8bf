import io
import random
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generators.animation import Animation
from generators.apng import apng_bytes, read_apng
from generators.errors import InvalidPicture, InvalidRecipe
from generators.finishing import RECIPE_KEYWORD, png_bytes
from generators.recipe import Recipe
from tests.unit.generators.moving import animation, many_colours, with_still_frames

FRAMES = array_shapes(min_dims=3, max_dims=3, max_side=6).flatmap(
    lambda shape: arrays(np.uint8, (*shape, 4), elements=st.sampled_from([0, 7, 128, 255]))
)


@pytest.fixture
def clip_recipe(fields: dict[str, Any]) -> Recipe:
    moving = {"kind": "clip", "size": 64, "frames": 16, "frame_ms": 60, "action": "walk", "direction": "left"}
    return Recipe.make(**fields | moving | {"prompt": "épée ✨"})


def same(first: Animation, second: Animation) -> bool:
    return np.array_equal(first.frames, second.frames) and (
        (first.name, first.frame_ms, first.loops) == (second.name, second.frame_ms, second.loops)
    )


@given(FRAMES, st.integers(2, 100), st.booleans())
def test_any_animation_comes_back_as_it_was(frames: np.ndarray, hundredths: int, loops: bool) -> None:
    given_one = Animation("burn", frames, hundredths * 10, loops)
    assert same(read_apng(apng_bytes(given_one, None))[0], given_one)


def test_identical_neighbours_come_back_as_frames_of_their_own() -> None:
    """Pillow's own writer merges them."""
    still = with_still_frames()
    assert same(read_apng(apng_bytes(still, None))[0], still)


def test_frames_of_one_picture_alone_come_back() -> None:
    still = Animation("idle", np.zeros((5, 8, 8, 4), np.uint8), 20, False)
    assert same(read_apng(apng_bytes(still, None))[0], still)


def test_more_colours_than_a_table_holds_come_back() -> None:
    noisy = Animation("burn", many_colours(), 100, True)
    assert same(read_apng(apng_bytes(noisy, None))[0], noisy)


def test_recipe_comes_back_and_lies_where_a_still_picture_has_it(clip_recipe: Recipe) -> None:
    data = apng_bytes(animation(), clip_recipe)
    assert read_apng(data)[1] == clip_recipe
    with Image.open(io.BytesIO(data)) as image:
        assert image.text[RECIPE_KEYWORD] == clip_recipe.canonical().decode()


def test_pillow_plays_what_was_written() -> None:
    """Another reader than our own: its frames, times and repeats."""
    for loops, plays in ((True, 0), (False, 1)):
        shown = animation(8, loops=loops)
        with Image.open(io.BytesIO(apng_bytes(shown, None))) as image:
            assert (image.n_frames, image.info["loop"]) == (8, plays)
            for index in range(8):
                image.seek(index)
                assert image.info["duration"] == 60
                assert np.array_equal(np.asarray(image.convert("RGBA")), shown.frames[index])


def test_same_animation_gives_the_same_bytes(clip_recipe: Recipe) -> None:
    assert apng_bytes(animation(), clip_recipe) == apng_bytes(animation(), clip_recipe)


def test_animation_of_another_program_is_read() -> None:
    """With frames that hold only what changed, which Pillow writes."""
    frames = animation(8).frames
    for index, frame in enumerate(frames):
        frame[60, 5 + index] = 255
    buffer = io.BytesIO()
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(buffer, "PNG", save_all=True, append_images=pictures[1:], duration=50, loop=1)
    read, recipe = read_apng(buffer.getvalue())
    assert recipe is None
    assert (read.name, read.frame_ms, read.loops) == ("clip", 50, False)
    assert np.array_equal(read.frames, frames)


def test_default_picture_of_another_program_is_no_frame() -> None:
    frames = np.stack([np.full((8, 8, 4), value, np.uint8) for value in (10, 20, 30)])
    buffer = io.BytesIO()
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(
        buffer, "PNG", save_all=True, append_images=pictures[1:], duration=50, default_image=True
    )
    assert np.array_equal(read_apng(buffer.getvalue())[0].frames, frames[1:])


def test_still_png_is_refused(drawn: np.ndarray, recipe: Recipe) -> None:
    with pytest.raises(InvalidPicture, match=r"^The PNG is a still picture; give an animated PNG .*\.$"):
        read_apng(png_bytes(drawn, recipe))


def test_garbage_is_refused() -> None:
    whole = apng_bytes(animation(), None)
    for data in (b"", b"GIF89a", whole[:8], whole[:60], whole[: len(whole) // 2], bytes(10_000)):
        with pytest.raises(InvalidPicture, match=r"^The clip is not a readable animated PNG; .*\.$"):
            read_apng(data)


def test_any_damage_is_an_invalid_recipe_or_harmless(clip_recipe: Recipe) -> None:
    whole, draw, refused = apng_bytes(animation(8), clip_recipe), random.Random(3), 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(8, len(data))] = draw.randrange(256)
        try:
            read_apng(bytes(data))
        except InvalidRecipe:
            refused += 1
    assert refused > 200


def altered(data: bytes, kind: bytes, at: int, body: bytes) -> bytes:
    """``data`` whose first chunk of that kind holds ``body`` at that place."""
    out, start = bytearray(data), data.index(kind)
    length = struct.unpack(">I", data[start - 4 : start])[0]
    out[start + 4 + at : start + 4 + at + len(body)] = body
    checked = bytes(out[start : start + 4 + length])
    out[start + 4 + length : start + 8 + length] = struct.pack(">I", zlib.crc32(checked))
    return bytes(out)


@pytest.mark.parametrize(
    ("kind", "at", "body", "sentence"),
    [
        (
            b"IHDR",
            0,
            struct.pack(">II", 60_000, 60_000),
            "has 16 frames of 60,000 x 60,000 pixels; give one of up to",
        ),
        (
            b"acTL",
            0,
            struct.pack(">I", 2**31 - 1),
            "has 2,147,483,647 frames of 64 x 64 pixels; give one of up to",
        ),
        (b"acTL", 0, struct.pack(">I", 15), "is not a readable animated PNG; save it again as APNG."),
        (
            b"fcTL",
            20,
            struct.pack(">HH", 1, 7),
            "last for different times; give one where all last equally long.",
        ),
    ],
)
def test_animation_out_of_bounds_is_refused_before_it_is_decoded(
    kind: bytes, at: int, body: bytes, sentence: str
) -> None:
    with pytest.raises(InvalidPicture) as caught:
        read_apng(altered(apng_bytes(animation(), None), kind, at, body))
    assert sentence in str(caught.value)


def test_times_that_a_gif_cannot_have_are_refused() -> None:
    for time_ms in (33, 10, 2000):
        data = apng_bytes(Animation("idle", np.zeros((2, 4, 4, 4), np.uint8), time_ms, True), None)
        with pytest.raises(
            InvalidPicture, match=rf"frames last {time_ms} ms; give a multiple of 10 ms from 20"
        ):
            read_apng(data)


def test_large_file_is_refused() -> None:
    with pytest.raises(InvalidPicture, match=r"^The clip is a file of 101 MB; give one of 100 MB or less\.$"):
        read_apng(bytes(101_000_000))


def test_endless_empty_chunks_are_refused() -> None:
    whole = apng_bytes(animation(2), None)
    at = whole.index(b"IDAT") - 4
    empty = struct.pack(">I4sI", 0, b"teSt", zlib.crc32(b"teSt"))
    with pytest.raises(InvalidPicture, match="not a readable"):
        read_apng(whole[:at] + empty * 200_000 + whole[at:])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{not json", "The recipe inside the clip is not JSON; the file was altered."),
        ("[" * 100_000, "The recipe inside the clip is not JSON; the file was altered."),
        ('{"seed": 1}', "The kind is missing."),
    ],
)
def test_altered_recipe_is_told(text: str, sentence: str) -> None:
    chunks, buffer = PngInfo(), io.BytesIO()
    chunks.add_itxt(RECIPE_KEYWORD, text)
    pictures = [Image.fromarray(np.full((4, 4, 4), value, np.uint8)) for value in (0, 255)]
    pictures[0].save(buffer, "PNG", save_all=True, append_images=pictures[1:], duration=100, pnginfo=chunks)
    with pytest.raises(InvalidRecipe) as caught:
        read_apng(buffer.getvalue())
    assert str(caught.value) == sentence


def test_name_that_no_sheet_could_hold_is_not_taken_over() -> None:
    named = Animation("../x", np.zeros((2, 4, 4, 4), np.uint8), 100, True)
    assert read_apng(apng_bytes(named, None))[0].name == "clip"
