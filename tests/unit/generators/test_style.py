from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.collection import SUBJECTS, plan
from generators.errors import InvalidRecipe, InvalidStyle
from generators.outline import draw_outline
from generators.recipe import MAX_PROMPT_CHARACTERS, Kind
from generators.source_picture import native
from generators.style import Style
from generators.style_reference import light_slope, outside_palette, palette_distance, traits

FULL: dict[str, Any] = {
    "name": "frost",
    "palette": ("#1a1c2c", "#41a6f6", "#f4f4f4"),
    "outline": "#1a1c2c",
    "background": "#ffffff",
    "character_px": 64,
    "tile_px": 32,
    "light": "top-left",
    "prefix": "icy",
    "suffix": "with blue crystals",
    "negative": "fire",
    "references": ("asset-1", "héros.png"),
}
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)


def ball(colour: tuple[int, int, int], size: int = 32, lit: tuple[float, float] = (0, 0)) -> np.ndarray:
    """A disc, lighter to the right and to the top as ``lit`` says."""
    y, x = (np.mgrid[:size, :size] - (size - 1) / 2) / size
    light = 1 + lit[0] * x - lit[1] * y
    pixels = np.zeros((size, size, 4), np.uint8)
    inside = x**2 + y**2 < 0.12
    pixels[inside, :3] = (np.array(colour) * light[..., None]).clip(0, 255)[inside]
    pixels[inside, 3] = 255
    return pixels


def test_a_style_survives_its_file() -> None:
    style = Style.make(**FULL)
    assert Style.from_toml(style.to_toml().encode()) == style
    assert Style.from_toml(Style.make(name="bare").to_toml().encode()) == Style.make(name="bare")


@given(WORDS, WORDS, WORDS)
def test_any_words_survive_the_file(prefix: str, suffix: str, negative: str) -> None:
    style = Style.make(name="s", prefix=prefix, suffix=suffix, negative=negative)
    again = Style.from_toml(style.to_toml().encode())
    assert again == style
    assert again.hash == style.hash


def test_every_field_changes_the_hash_and_unset_ones_do_not() -> None:
    whole = Style.make(**FULL)
    hashes = {whole.hash} | {
        Style.make(**{k: v for k, v in FULL.items() if k != name}).hash for name in FULL if name != "name"
    }
    assert len(hashes) == len(FULL)
    assert Style.make(name="bare").hash == Style.make(name="bare", prefix="", palette=None).hash


def test_a_style_gives_the_fields_of_a_recipe() -> None:
    style = Style.make(**FULL)
    assert style.fields_for(Kind.ITEM, "a sword", "rust") == {
        "prompt": "icy a sword with blue crystals",
        "negative_prompt": "rust, fire",
        "palette": FULL["palette"],
        "outline": "#1a1c2c",
        "background": "#ffffff",
        "style": style.hash,
    }
    assert [style.size_for(kind) for kind in Kind] == [64, None, 32, None, None]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Frost!"}, "name must be 1 to 40 lower-case"),
        ({"name": "../up"}, "name must be"),
        ({"palette": ["#123456"]}, "2 to 256 colours"),
        ({"palette": ["red", "blue"]}, "no colour"),
        ({"outline": "black"}, "outline must be none, or a colour"),
        ({"background": "none"}, "background must be a colour"),
        ({"tile_px": 4}, "tile_px must be a whole number"),
        ({"light": "below"}, "light must be left"),
        ({"prefix": "x" * MAX_PROMPT_CHARACTERS}, "cannot be drawn with"),
        ({"references": ["a\nb"]}, "references must be"),
        ({"colour": "red"}, "no field 'colour'"),
    ],
)
def test_what_is_no_style_is_one_sentence(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidStyle) as caught:
        Style.make(**FULL | changes)
    assert said in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "data", [b"name = ", b"\xff", b"[" * 5000, b"x" * 200_000, b'name = "a"\nname = "b"']
)
def test_what_is_no_style_file_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidStyle):
        Style.from_toml(data)


def test_references_give_palette_outline_and_light() -> None:
    lit = [ball(colour, lit=(-0.8, 0.8)) for colour in ((180, 60, 60), (60, 60, 180))]
    found = traits([draw_outline(pixels, "#101018") for pixels in lit], 8)
    assert len(found.palette) <= 8
    assert found.outline == "#101018"
    assert found.light == "top-left"


def test_references_without_a_line_have_the_rule_none_and_flat_ones_no_light() -> None:
    found = traits([ball((200, 60, 60)), ball((60, 60, 200))], 8)
    assert set(found.palette) == {"#c83c3c", "#3c3cc8"}
    assert (found.outline, found.light) == ("none", None)


def test_an_enlarged_reference_counts_as_it_was_drawn() -> None:
    small = draw_outline(ball((200, 60, 60), lit=(0, 1)), "#101018")
    large = small.repeat(16, 0).repeat(16, 1)
    assert np.array_equal(native(large), small)
    assert traits([large], 8) == traits([small], 8)


def test_a_palette_from_references_has_no_two_colours_that_look_the_same() -> None:
    nearly = ball((0, 0, 0))
    nearly[16, 10:14] = (1, 1, 1, 255)
    shades = ball((200, 120, 40), lit=(0.9, 0.9))
    assert "#010101" not in traits([nearly, shades], 12).palette


@pytest.mark.parametrize("pixels", [np.zeros((16, 16, 4), np.uint8), ball((9, 9, 9))])
def test_references_that_say_nothing_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(InvalidStyle, match="references"):
        traits([pixels], 8)


@pytest.mark.parametrize(("lit", "right", "up"), [((0.9, 0), 1, 0), ((0, 0.9), 0, 1), ((-0.9, 0.9), -1, 1)])
def test_the_slope_of_light_points_to_where_it_comes_from(
    lit: tuple[float, float], right: int, up: int
) -> None:
    found = light_slope(ball((120, 120, 120), lit=lit))
    assert [0 if abs(slope) < 0.05 else np.sign(slope) for slope in found] == [right, up]


def test_palettes_that_share_colours_are_near() -> None:
    red, rose, blue = ball((200, 40, 40)), ball((210, 60, 60)), ball((40, 40, 200))
    assert palette_distance(red, red) == 0
    assert palette_distance(red, rose) == palette_distance(rose, red) < palette_distance(red, blue)
    assert outside_palette(red, ("#c82828", "#000000")) == 0
    assert outside_palette(blue, ("#c82828", "#000000")) == 1


def test_a_collection_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    kinds = [Kind.CHARACTER, Kind.ITEM, Kind.TILE]
    first = plan("a frozen kingdom", kinds, 12, 5)
    assert first == plan("  a  frozen kingdom ", kinds, 12, 5)
    assert first != plan("a frozen kingdom", kinds, 12, 6)
    assert [piece.kind for piece in first[:4]] == [*kinds, Kind.CHARACTER]
    assert [piece.seed for piece in first] == list(range(5, 17))
    assert all(piece.prompt.startswith("frozen kingdom ") for piece in first)


def test_no_subject_comes_twice_before_all_came_once() -> None:
    many = [piece.prompt for piece in plan("x", [Kind.TILE], len(SUBJECTS[Kind.TILE]) * 2, 0)]
    half = len(many) // 2
    assert len(set(many[:half])) == half
    assert many[:half] == many[half:]


@pytest.mark.parametrize(
    ("theme", "kinds", "count", "seed", "said"),
    [
        ("", [Kind.ITEM], 1, 0, "theme is empty"),
        ("the", [], 1, 0, "name one or more"),
        ("x", [Kind.ILLUSTRATION], 1, 0, "A collection is of character, item, tile"),
        ("x", [Kind.ITEM], 0, 0, "collection of 0"),
        ("x", [Kind.ITEM], 999, 0, "collection of 999"),
        ("x", [Kind.ITEM], 1, -1, "seed must be"),
    ],
)
def test_a_collection_that_cannot_be_planned_is_one_sentence(
    theme: str, kinds: list[Kind], count: int, seed: int, said: str
) -> None:
    with pytest.raises(InvalidRecipe, match=said):
        plan(theme, kinds, count, seed)
