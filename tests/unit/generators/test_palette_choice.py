from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generators.errors import InvalidPalette, InvalidRecipe
from generators.named_palettes import PALETTE_NAMES, named_palette
from generators.palette_choice import (
    PHOTO_PX,
    chosen_colour,
    chosen_outline,
    chosen_palette,
    picture_palette,
)
from generators.recipe import Recipe


def photo(path: Path, side: int = 64) -> Path:
    """Much sky, some grass and one red flower, each with its own shades, thousands in all."""
    draw = np.random.default_rng(0)
    pixels = np.full((side, side, 3), (90, 150, 230), np.float64)
    pixels[side * 2 // 3 :] = (60, 140, 50)
    pixels[side // 2 : side // 2 + 3, :3] = (200, 20, 30)
    noisy = (pixels + draw.normal(0, 6, pixels.shape)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(path)
    return path


@pytest.mark.parametrize("name", PALETTE_NAMES)
def test_every_named_palette_can_stand_in_a_recipe(name: str, recipe: Recipe) -> None:
    colours = named_palette(name)
    assert colours is not None
    assert len(set(colours)) == len(colours)
    assert Recipe.make(**recipe.to_dict() | {"palette": colours}).palette == colours


@pytest.mark.parametrize(
    ("name", "count"),
    [("pico-8", 16), ("db16", 16), ("db32", 32), ("endesga-32", 32), ("aap-64", 64), ("c64", 16)],
)
def test_named_palettes_have_the_number_of_colours_in_their_name(name: str, count: int) -> None:
    assert len(named_palette(name) or ()) == count


@pytest.mark.parametrize("spelt", ["pico-8", "PICO-8", "pico8", "Pico 8", "pico_8"])
def test_a_name_may_be_spelt_as_people_do(spelt: str) -> None:
    assert chosen_palette(spelt) == named_palette("pico-8")


def test_other_names_for_one_palette_are_known() -> None:
    assert chosen_palette("DMG") == chosen_palette("Game Boy") == ("#0f380f", "#306230", "#8bac0f", "#9bbc0f")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pico-9", ["'pico-9'", "did you mean pico-8"]),
        ("endesga", ["endesga-32"]),
        ("quux", ["'quux'", "Give a palette file or one of", "sweetie-16"]),
    ],
)
def test_an_unknown_name_is_answered_with_close_ones(text: str, words: list[str]) -> None:
    with pytest.raises(InvalidPalette) as caught:
        chosen_palette(text)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_file_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nes").write_text("112233\n445566\n")
    assert chosen_palette("nes") == ("#112233", "#445566")


def test_none_and_numbers_are_what_they_were() -> None:
    assert chosen_palette("none") is None
    assert chosen_palette("16") == 16


def test_a_photo_without_a_number_is_told_of_the_number(tmp_path: Path) -> None:
    with pytest.raises(InvalidPalette, match=r"or write sky\.png:16 for its 16 most important\.$"):
        chosen_palette(str(photo(tmp_path / "sky.png")))


@pytest.mark.parametrize("name", ["sky.png", "sky.jpg", "sky.webp"])
def test_a_photo_with_a_number_gives_its_most_important_colours(tmp_path: Path, name: str) -> None:
    colours = chosen_palette(f"{photo(tmp_path / name)}:3")
    assert isinstance(colours, tuple)
    sky, grass, flower = ([*bytes.fromhex(colour[1:])] for colour in colours)
    assert sky[2] > 180
    assert grass[1] == max(grass)
    assert flower[0] > 120
    assert flower[1] < 90, "nine red pixels are kept beside thousands of others"


def test_colours_of_a_picture_are_ones_that_it_has(tmp_path: Path) -> None:
    path = photo(tmp_path / "sky.png")
    seen = {tuple(rgb) for rgb in np.asarray(Image.open(path)).reshape(-1, 3).tolist()}
    assert {tuple(bytes.fromhex(colour[1:])) for colour in picture_palette(path, 12)} <= seen


def test_a_picture_of_few_colours_gives_them_all(tmp_path: Path) -> None:
    pixels = np.array([[[9, 9, 9]] * 5 + [[200, 0, 0]] * 2], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    assert picture_palette(tmp_path / "p.png", 16) == ("#090909", "#c80000")


def test_a_large_photo_is_read(tmp_path: Path) -> None:
    assert 3 <= len(picture_palette(photo(tmp_path / "large.png", PHOTO_PX * 2), 8)) <= 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("missing.png:16", "cannot be read (no such file or directory)"),
        ("one.png:16", "fewer than 2 colours"),
        ("text.png:16", "is not a readable picture"),
        ("bomb.png:16", "pixels; scale it down to 4096 x 4096 or less"),
        ("one.png:1", "from 2 to 256"),
        ("one.png:999", "from 2 to 256"),
    ],
)
def test_a_picture_that_gives_no_palette_is_one_sentence(
    tmp_path: Path, text: str, said: str, png_header: Callable[[int, int], bytes]
) -> None:
    Image.new("RGB", (4, 4), "red").save(tmp_path / "one.png")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "bomb.png").write_bytes(png_header(60_000, 60_000))
    with pytest.raises(InvalidRecipe) as caught:
        chosen_palette(str(tmp_path / text))
    assert said in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("text", ["#A1B2C3", "a1b2c3"])
def test_colours_are_read_in_any_case(text: str) -> None:
    assert chosen_colour(text) == chosen_outline(text) == "#a1b2c3"
    assert chosen_outline("None") == "none"


@pytest.mark.parametrize("text", ["red", "#12345", "", "#1234567", "none "])
def test_other_words_are_no_colour(text: str) -> None:
    with pytest.raises(InvalidPalette, match="write it as #rrggbb"):
        chosen_outline(text)
