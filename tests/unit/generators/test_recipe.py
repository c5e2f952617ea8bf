import hashlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.errors import InvalidRecipe
from generators.recipe import (
    MAX_COUNT,
    MAX_GUIDANCE,
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    MAX_STEPS,
    Kind,
    Recipe,
    check_request,
    random_seed,
)

PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=60)
HEX_COLOURS = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)
RECIPES = st.builds(
    Recipe.make,
    kind=st.sampled_from(list(Kind)),
    prompt=PRINTABLE.filter(str.strip),
    negative_prompt=PRINTABLE,
    seed=st.integers(0, MAX_SEED),
    model=PRINTABLE,
    weights=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    steps=st.integers(1, MAX_STEPS),
    guidance=st.floats(0, MAX_GUIDANCE),
    size=st.sampled_from([32, 64]),
    precision=st.sampled_from(["bf16", "fp32"]),
    palette=st.none() | st.integers(2, 256) | st.lists(HEX_COLOURS, min_size=2, max_size=9).map(tuple),
    source=st.none() | PRINTABLE,
    outline=st.none() | st.just("none") | HEX_COLOURS,
    background=st.none() | HEX_COLOURS,
    style=st.none() | st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    drawn_px=st.none() | st.integers(8, 2048),
    cutout=st.booleans(),
)
COLOURS_300 = [f"#{n:06x}" for n in range(300)]
SEED_RANGE = "The seed must be a whole number from 0 to 9007199254740991, not"
PALETTE_SHAPE = "The palette must be a number of colours, or a list of colours written as #rrggbb."
BAD_FIELDS = [
    ("prompt", "", "The prompt is empty; say what to draw, for example 'a red potion bottle'."),
    ("prompt", " \n\t ", "The prompt is empty; say what to draw, for example 'a red potion bottle'."),
    ("prompt", "x" * 10_000, "The prompt has 10,000 characters; shorten it to 1,000 or fewer."),
    ("prompt", 3, "The prompt must be text, not 3."),
    ("prompt", "a\x00b", "The prompt holds control characters; remove them."),
    ("prompt", "\ud800", "The prompt holds control characters; remove them."),
    (
        "negative_prompt",
        "x" * 1_001,
        "The negative prompt has 1,001 characters; shorten it to 1,000 or fewer.",
    ),
    ("model", "\udfff", "The model holds control characters; remove them."),
    ("source", 3, "The source must be text, not 3."),
    ("seed", -1, f"{SEED_RANGE} -1."),
    ("seed", 2**53, f"{SEED_RANGE} 9007199254740992."),
    ("seed", 1.5, f"{SEED_RANGE} 1.5."),
    ("seed", True, f"{SEED_RANGE} True."),
    ("steps", 0, "The number of steps must be a whole number from 1 to 200, not 0."),
    ("steps", 201, "The number of steps must be a whole number from 1 to 200, not 201."),
    ("guidance", math.nan, "The guidance must be a number from 0 to 30, not nan."),
    ("guidance", math.inf, "The guidance must be a number from 0 to 30, not inf."),
    ("guidance", 31, "The guidance must be a number from 0 to 30, not 31."),
    ("guidance", "much", "The guidance must be a number from 0 to 30, not 'much'."),
    ("kind", "dragon", "The kind must be character, item, tile or illustration, not 'dragon'."),
    ("size", 7, "The size must be a whole number of pixels from 8 to 2048, not 7."),
    (
        "size",
        "9" * 5_000,
        "The size must be a whole number of pixels from 8 to 2048, not '999999999999...9999999999999'.",
    ),
    ("precision", "fp8", "The precision must be bf16, fp16 or fp32, not 'fp8'."),
    ("weights", "abc", "The weights must be 64 lower-case hex digits, not 'abc'."),
    ("format", "x/2", "The format must be lorespark-recipe/1, not 'x/2'."),
    ("finish", 3, "The finish must be 1 or 2, not 3."),
    ("outline", "red", "The outline must be none, or a colour written as #rrggbb, not 'red'."),
    ("background", "none", "The background must be a colour written as #rrggbb, not 'none'."),
    (
        "strength",
        0.5,
        "The recipe names a source picture without a strength, or a strength without one; give both.",
    ),
    (
        "mask_cid",
        "b",
        "The recipe has a mask and no source picture; give the picture that the mask belongs to.",
    ),
    ("seamless", True, "The recipe is a seamless item; only tiles repeat, so ask for a tile."),
    ("colour", "red", "A recipe has no field 'colour'; remove it."),
    ("palette", 1, "The palette must have 2 to 256 colours, not 1."),
    ("palette", 257, "The palette must have 2 to 256 colours, not 257."),
    ("palette", ["#000000"], "The palette must have 2 to 256 colours, not 1."),
    ("palette", COLOURS_300, "The palette must have 2 to 256 colours, not 300."),
    ("palette", "red", PALETTE_SHAPE),
    ("palette", True, PALETTE_SHAPE),
    ("palette", {}, PALETTE_SHAPE),
    ("palette", ["#000000", 3], PALETTE_SHAPE),
    (
        "palette",
        ["#000000", "#ABCDEF"],
        "The palette holds '#ABCDEF', which is no colour; write it as #rrggbb in lower case.",
    ),
]


def test_canonical_form_and_hash_are_the_published_ones(recipe: Recipe) -> None:
    expected = (
        b'{"finish":1,"format":"lorespark-recipe/1","guidance":3,"kind":"item",'
        b'"model":"lorespark-sprite-32/1","negative_prompt":"","palette":null,"precision":"bf16",'
        b'"prompt":"a red potion bottle","seed":7,"size":32,"source":null,"steps":20,'
        b'"weights":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}'
    )
    assert recipe.canonical() == expected
    assert recipe.hash == hashlib.sha256(expected).hexdigest()
    assert recipe.hash == "9d1b7fd13db694eeb01c32b92361d2d98bd76fab60589ac85d3258717ebec32c"


@pytest.mark.parametrize(
    ("guidance", "written"),
    [(0.0, b"0"), (3.5, b"3.5"), (1e-7, b"1e-7"), (0.1 + 0.2, b"0.30000000000000004")],
)
def test_numbers_are_written_as_rfc_8785_says(
    fields: dict[str, Any], guidance: float, written: bytes
) -> None:
    canonical = Recipe.make(**fields | {"guidance": guidance}).canonical()
    assert b'"guidance":' + written + b"," in canonical


def test_text_is_written_as_utf_8_with_short_escapes(fields: dict[str, Any]) -> None:
    canonical = Recipe.make(**fields | {"prompt": 'épée "€" \\'}).canonical()
    assert 'épée \\"€\\" \\\\'.encode() in canonical


@given(RECIPES)
def test_every_recipe_survives_json_with_its_hash(recipe: Recipe) -> None:
    again = Recipe.from_dict(json.loads(recipe.canonical()))
    assert again == recipe
    assert again.hash == recipe.hash
    assert Recipe.from_dict(recipe.to_dict()) == recipe


@given(RECIPES, RECIPES)
def test_two_recipes_share_a_hash_only_when_equal(first: Recipe, second: Recipe) -> None:
    assert (first.hash == second.hash) == (first == second)


def test_order_of_fields_does_not_change_the_hash(fields: dict[str, Any], recipe: Recipe) -> None:
    assert Recipe.make(**dict(reversed(fields.items()))).hash == recipe.hash


def test_whole_guidance_is_the_same_recipe_as_an_integer(fields: dict[str, Any], recipe: Recipe) -> None:
    assert Recipe.make(**fields | {"guidance": 3}) == recipe


def test_spaces_and_line_breaks_of_a_prompt_are_made_one_space(
    fields: dict[str, Any], recipe: Recipe
) -> None:
    untidy = Recipe.make(**fields | {"prompt": "  a red\r\n potion\tbottle "})
    assert untidy == recipe


def test_drawing_from_a_picture_survives_json(fields: dict[str, Any]) -> None:
    made = Recipe.make(**fields, source_cid="bafy1", mask_cid="bafy2", strength=0.6)
    assert Recipe.from_dict(json.loads(made.canonical())) == made
    assert b'"strength":0.6' in made.canonical()


def test_recipe_cannot_be_changed(recipe: Recipe) -> None:
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 8  # type: ignore[misc]


@pytest.mark.parametrize(("field", "value", "sentence"), BAD_FIELDS)
def test_bad_field_is_told_in_one_sentence(
    fields: dict[str, Any], field: str, value: Any, sentence: str
) -> None:
    with pytest.raises(InvalidRecipe) as caught:
        Recipe.from_dict(fields | {field: value})
    assert str(caught.value) == sentence


@pytest.mark.parametrize("field", ["kind", "prompt", "seed", "model", "weights", "steps", "guidance", "size"])
def test_missing_field_is_named(fields: dict[str, Any], field: str) -> None:
    del fields[field]
    with pytest.raises(InvalidRecipe, match=r"^The (number of )?\w+ is missing\.$") as caught:
        Recipe.make(**fields)
    assert field in str(caught.value)


@pytest.mark.parametrize("data", [None, [], "recipe", 3, [["kind", "item"]]])
def test_what_is_no_json_object_is_no_recipe(data: Any) -> None:
    with pytest.raises(InvalidRecipe, match=r"^The recipe must be a JSON object\.$"):
        Recipe.from_dict(data)


def test_longest_prompt_and_largest_seed_are_accepted(fields: dict[str, Any]) -> None:
    made = Recipe.make(**fields | {"prompt": "x" * MAX_PROMPT_CHARACTERS, "seed": MAX_SEED})
    assert Recipe.from_dict(json.loads(made.canonical())).seed == MAX_SEED


def test_good_request_passes() -> None:
    check_request(prompt="a red potion", kind=Kind.ITEM, seed=0, palette=16, count=MAX_COUNT)
    check_request(prompt="knight", kind=Kind.CHARACTER, seed=MAX_SEED, steps=MAX_STEPS, guidance=0.0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"count": 0}, "0 pictures cannot be drawn at once; ask for 1 to 256."),
        ({"count": 257}, "257 pictures cannot be drawn at once; ask for 1 to 256."),
        (
            {"seed": MAX_SEED, "count": 2},
            f"Seeds from {MAX_SEED} on do not last for 2 pictures; start lower.",
        ),
        ({"kind": "dragon"}, "The kind must be character, item, tile or illustration, not 'dragon'."),
        ({"guidance": math.nan}, "The guidance must be a number from 0 to 30, not nan."),
        ({"guidance": "much"}, "The guidance must be a number from 0 to 30, not 'much'."),
        ({"steps": 0}, "The number of steps must be a whole number from 1 to 200, not 0."),
        ({"prompt": ""}, "The prompt is empty; say what to draw, for example 'a red potion bottle'."),
        ({"palette": 1}, "The palette must have 2 to 256 colours, not 1."),
    ],
)
def test_request_that_no_model_can_draw_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidRecipe) as caught:
        check_request(**{"prompt": "a red potion", "kind": Kind.ITEM, "seed": 1} | changes)
    assert str(caught.value) == sentence


def test_random_seeds_differ_and_fit_a_recipe() -> None:
    seeds = {random_seed() for _ in range(50)}
    assert len(seeds) > 45
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_the_shape_of_a_clip_is_kept_and_a_pictures_refused(fields: dict[str, Any]) -> None:
    clip = fields | {"kind": "clip", "frames": 9, "frame_ms": 40, "size": 704, "drawn_shape": [704, 480]}
    recipe = Recipe.make(**clip)
    assert recipe.drawn_size == (704, 480)
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert Recipe.make(**(clip | {"drawn_shape": None})).drawn_size == (704, 704)
    for change, words in (
        ({"drawn_shape": [704, 480.0]}, "a width and a height in pixels"),
        ({"drawn_shape": [704, 9000]}, "a width and a height in pixels"),
        ({"drawn_shape": [704]}, "a width and a height in pixels"),
        ({"kind": "item", "frames": None, "frame_ms": None}, "is a moving item"),
    ):
        with pytest.raises(InvalidRecipe, match=words):
            Recipe.make(**(clip | change))
