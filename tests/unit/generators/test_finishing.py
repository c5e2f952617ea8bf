import hashlib
import io
import json
import random
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generators.errors import InvalidRecipe
from generators.finishing import (
    IMAGE_PX,
    RECIPE_KEYWORD,
    clean_alpha,
    finish,
    png_bytes,
    read_png,
    reduce_colours,
)
from generators.outline import edge
from generators.palette import rgb_values
from generators.recipe import Kind, Recipe

DRAWN = arrays(np.uint8, (8, 8, 4))
PICTURES = [kind for kind in Kind if kind is not Kind.CLIP]
KINDS = st.sampled_from(PICTURES)


def disc(size: int, colour: tuple[int, int, int]) -> np.ndarray:
    """An opaque disc in the middle of a clear canvas."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[x**2 + y**2 < (size / 3) ** 2] = (*colour, 255)
    return pixels


def colours_of(pixels: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(rgb) for rgb in pixels[pixels[..., 3] > 0][:, :3].tolist()}


@given(DRAWN, KINDS)
def test_alpha_is_all_or_nothing_and_clear_pixels_are_zero(drawn: np.ndarray, kind: Kind) -> None:
    before = drawn.copy()
    made = clean_alpha(drawn, kind)
    assert set(np.unique(made[..., 3])) <= {0, 255}
    assert not made[made[..., 3] == 0].any()
    assert np.array_equal(drawn, before)


@given(DRAWN)
def test_visible_pixels_keep_their_colour_unless_they_are_specks(drawn: np.ndarray) -> None:
    made = clean_alpha(drawn, Kind.ITEM)
    kept = (made[..., 3] > 0) & (drawn[..., 3] > 127)
    assert np.array_equal(made[kept][:, :3], drawn[kept][:, :3])


def test_single_specks_are_removed_and_pairs_stay() -> None:
    drawn = disc(16, (200, 10, 10))
    drawn[0, 0] = (9, 9, 9, 255)
    drawn[15, 7:9] = (8, 8, 8, 255)
    made = clean_alpha(drawn, Kind.CHARACTER)
    assert not made[0, 0].any()
    assert (made[15, 7:9] == (8, 8, 8, 255)).all()


def test_single_hole_takes_the_colour_around_it() -> None:
    drawn = disc(16, (200, 10, 10))
    drawn[8, 8] = (0, 255, 0, 100)
    assert tuple(clean_alpha(drawn, Kind.ITEM)[8, 8]) == (200, 10, 10, 255)


def test_larger_hole_stays_open() -> None:
    drawn = disc(16, (200, 10, 10))
    drawn[8, 7:9] = 0
    assert not clean_alpha(drawn, Kind.ITEM)[8, 7:9].any()


def test_nearly_solid_tile_becomes_solid_in_its_own_colours() -> None:
    """A closed single hole once kept the colour of its clear pixel and left a black dot in the floor."""
    drawn = np.full((16, 16, 4), (40, 120, 40, 255), np.uint8)
    drawn[0, :5] = drawn[7, 7] = drawn[3:5, 10] = 0
    made = clean_alpha(drawn, Kind.TILE)
    assert (made == (40, 120, 40, 255)).all()


def test_tile_with_much_clear_keeps_its_outline() -> None:
    made = clean_alpha(disc(16, (90, 60, 30)), Kind.TILE)
    assert (made[..., 3] == disc(16, (90, 60, 30))[..., 3]).all()


def test_item_as_full_as_a_tile_is_not_filled() -> None:
    drawn = np.full((16, 16, 4), 255, np.uint8)
    drawn[0, :5] = 0
    assert not clean_alpha(drawn, Kind.ITEM)[0, :4].any()


@pytest.mark.parametrize("kind", PICTURES)
def test_wholly_clear_picture_stays_clear(kind: Kind, fields: dict[str, Any]) -> None:
    recipe = Recipe.make(**fields | {"kind": kind, "palette": 4})
    assert not finish(np.full((32, 32, 4), 90, np.uint8), recipe).pixels.any()


@given(arrays(np.uint8, (9, 9, 4)), st.integers(2, 256))
def test_never_more_colours_than_asked(drawn: np.ndarray, count: int) -> None:
    made = reduce_colours(drawn, count)
    assert len(colours_of(made)) <= count
    assert np.array_equal(made[..., 3], drawn[..., 3])


@given(DRAWN, st.lists(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True), min_size=2, max_size=6))
def test_only_colours_of_the_palette(drawn: np.ndarray, palette: list[str]) -> None:
    allowed = {tuple(colour) for colour in rgb_values(tuple(palette)).tolist()}
    assert colours_of(reduce_colours(drawn, tuple(palette))) <= allowed


def test_without_a_palette_colours_are_as_drawn(drawn: np.ndarray) -> None:
    assert np.array_equal(reduce_colours(drawn, None), drawn)


@pytest.mark.parametrize("size", [32, 64])
def test_image_is_the_media_enlarged_by_a_whole_number(fields: dict[str, Any], size: int) -> None:
    recipe = Recipe.make(**fields | {"size": size, "palette": 8})
    drawn = np.random.default_rng(1).integers(0, 256, (size, size, 4), np.uint8)
    finished = finish(drawn, recipe)
    media, _ = read_png(finished.media)
    image, _ = read_png(finished.image)
    assert np.array_equal(media, finished.pixels)
    assert image.shape == (IMAGE_PX, IMAGE_PX, 4)
    scale = IMAGE_PX // size
    for y in range(scale):
        for x in range(0, scale, 3):
            assert np.array_equal(image[y::scale, x::scale], media)


def test_finishing_twice_gives_the_same_bytes(drawn: np.ndarray, fields: dict[str, Any]) -> None:
    recipe = Recipe.make(**fields | {"palette": 8})
    first, second = finish(drawn, recipe), finish(drawn.copy(), recipe)
    assert (first.media, first.image) == (second.media, second.image)


def test_version_1_draws_what_it_always_drew(fields: dict[str, Any]) -> None:
    """The digest was taken before there was a version 2: tokens hold recipes of version 1."""
    digest = hashlib.sha256()
    for kind in ("character", "item", "tile"):
        for palette in (None, 8, ("#0f380f", "#306230", "#8bac0f", "#9bbc0f")):
            for size in (32, 64):
                drawn = np.random.default_rng(size).integers(0, 256, (size, size, 4), np.uint8)
                drawn[8:-8, 8:-8, 3] = 255
                recipe = Recipe.make(**fields | {"kind": kind, "palette": palette, "size": size})
                digest.update(finish(drawn, recipe).pixels.tobytes())
    assert digest.hexdigest() == "537881d639986758306fcb643b71864b82ab00780ac7353d3e35ceb81c0ec4b0"


@pytest.mark.parametrize("version", [1, 2])
def test_an_outline_and_a_background_keep_their_colours_beside_the_palette(
    fields: dict[str, Any], version: int
) -> None:
    changes = {"palette": ["#ff0000", "#00ff00"], "outline": "#101010", "background": "#0000ff"}
    made = finish(disc(32, (200, 10, 10)), Recipe.make(**fields | changes | {"finish": version})).pixels
    assert (made[..., 3] == 255).all()
    assert colours_of(made) == {(255, 0, 0), (16, 16, 16), (0, 0, 255)}
    assert tuple(made[0, 0]) == (0, 0, 255, 255)


def test_an_outline_is_drawn_before_the_background_is_put_behind(fields: dict[str, Any]) -> None:
    clear = finish(disc(32, (200, 10, 10)), Recipe.make(**fields | {"outline": "#101010"})).pixels
    solid = finish(
        disc(32, (200, 10, 10)), Recipe.make(**fields | {"outline": "#101010", "background": "#ffffff"})
    ).pixels
    figure = clear[..., 3] > 0
    assert np.array_equal(solid[figure], clear[figure])
    assert (solid[~figure] == 255).all()


def test_a_picture_with_a_background_is_a_png_without_alpha(fields: dict[str, Any]) -> None:
    recipe = Recipe.make(**fields | {"background": "#102030"})
    finished = finish(disc(32, (200, 10, 10)), recipe)
    for data in (finished.media, finished.image):
        with Image.open(io.BytesIO(data)) as image:
            assert not image.has_transparency_data
        assert read_png(data)[1] == recipe
    assert np.array_equal(read_png(finished.media)[0], finished.pixels)


def test_a_removed_outline_leaves_no_dark_line(fields: dict[str, Any]) -> None:
    drawn = disc(32, (240, 220, 90))
    drawn[edge(drawn[..., 3] > 0)] = (5, 5, 5, 255)
    made = finish(drawn, Recipe.make(**fields | {"outline": "none", "palette": 4})).pixels
    assert colours_of(made) == {(240, 220, 90)}


def test_png_gives_back_its_pixels_and_its_recipe(drawn: np.ndarray, fields: dict[str, Any]) -> None:
    recipe = Recipe.make(**fields | {"prompt": "épée rouge ✨"})
    pixels, inside = read_png(png_bytes(drawn, recipe))
    assert np.array_equal(pixels, drawn)
    assert inside == recipe


def test_recipe_lies_in_an_international_text_chunk(drawn: np.ndarray, recipe: Recipe) -> None:
    data = png_bytes(drawn, recipe)
    at = data.index(b"iTXt")
    length = struct.unpack(">I", data[at - 4 : at])[0]
    assert data[at + 4 : at + 4 + length] == RECIPE_KEYWORD.encode() + bytes(5) + recipe.canonical()


def test_png_without_a_recipe_is_read(drawn: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(drawn).save(buffer, "PNG")
    pixels, inside = read_png(buffer.getvalue())
    assert np.array_equal(pixels, drawn)
    assert inside is None


def test_garbage_is_no_png(drawn: np.ndarray, recipe: Recipe) -> None:
    whole = png_bytes(drawn, recipe)
    gif = io.BytesIO()
    Image.fromarray(drawn).convert("P").save(gif, "GIF")
    for data in (b"", b"garbage", whole[:8], whole[: len(whole) // 2], whole[:-60], gif.getvalue()):
        with pytest.raises(InvalidRecipe, match=r"^The bytes are not a readable PNG picture; .*\.$"):
            read_png(data)


def test_any_damage_is_an_invalid_recipe_or_harmless(drawn: np.ndarray, recipe: Recipe) -> None:
    whole, draw = png_bytes(drawn, recipe), random.Random(3)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(8, len(data))] = draw.randrange(256)
        try:
            read_png(bytes(data))
        except InvalidRecipe:
            refused += 1
    assert refused > 200


@pytest.mark.parametrize("side", [4_097, 12_000, 60_000])
def test_huge_png_is_refused_before_it_is_decoded(side: int) -> None:
    body = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    data += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    with pytest.raises(InvalidRecipe, match=r"more than 4096 x 4096 pixels"):
        read_png(data)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{not json", "The recipe inside the PNG is not JSON; the file was altered."),
        ("[" * 100_000, "The recipe inside the PNG is not JSON; the file was altered."),
        ("[]", "The recipe must be a JSON object."),
        ('{"seed": 1}', "The kind is missing."),
    ],
)
def test_altered_recipe_inside_a_png_is_told(drawn: np.ndarray, text: str, sentence: str) -> None:
    chunks, buffer = PngInfo(), io.BytesIO()
    chunks.add_itxt(RECIPE_KEYWORD, text)
    Image.fromarray(drawn).save(buffer, "PNG", pnginfo=chunks)
    with pytest.raises(InvalidRecipe) as caught:
        read_png(buffer.getvalue())
    assert str(caught.value) == sentence


def test_text_that_unpacks_to_a_gigabyte_is_refused(drawn: np.ndarray) -> None:
    packed = zlib.compress(bytes(80_000_000))
    chunk = b"iTXt" + RECIPE_KEYWORD.encode() + b"\0\1\0\0\0" + packed
    whole = io.BytesIO()
    Image.fromarray(drawn).save(whole, "PNG")
    data = whole.getvalue()
    at = data.index(b"IDAT") - 4
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(InvalidRecipe, match="not a readable PNG"):
        read_png(data[:at] + framed + data[at:])


def test_recipe_in_the_png_is_canonical_json(drawn: np.ndarray, recipe: Recipe) -> None:
    with Image.open(io.BytesIO(finish(drawn, recipe).media)) as image:
        assert json.loads(image.text[RECIPE_KEYWORD]) == recipe.to_dict()
