import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from generators.colour_choice import MIN_LIGHT_RANGE, fitted, important_colours
from generators.named_palettes import named_palette
from generators.palette import nearest, oklab, rgb_values

PIXELS = arrays(np.uint8, st.tuples(st.integers(1, 80), st.just(3)))


def palette(name: str) -> np.ndarray:
    colours = named_palette(name)
    assert colours is not None
    return rgb_values(colours)


@given(PIXELS, st.integers(2, 40))
def test_important_colours_are_of_the_picture_and_no_more_than_asked(pixels: np.ndarray, count: int) -> None:
    made = important_colours(pixels, count)
    there = {tuple(rgb) for rgb in pixels.tolist()}
    assert 1 <= len(made) <= count
    assert {tuple(rgb) for rgb in made.tolist()} <= there
    assert np.array_equal(made, important_colours(pixels[::-1], count)), "the order of pixels does not matter"


@given(PIXELS)
def test_colours_that_are_few_are_all_kept_commonest_first(pixels: np.ndarray) -> None:
    distinct, counts = np.unique(pixels, axis=0, return_counts=True)
    made = important_colours(pixels, 256)
    assert len(made) == len(distinct)
    assert (pixels == made[0]).all(1).sum() == counts.max()


@given(PIXELS)
def test_a_palette_of_many_hues_gives_the_nearest(pixels: np.ndarray) -> None:
    assert np.array_equal(fitted(pixels, palette("db32")), nearest(pixels, palette("db32")))


@pytest.mark.parametrize("name", ["game-boy", "gray-4", "1-bit"])
@given(pixels=PIXELS)
def test_a_palette_of_one_hue_keeps_the_order_of_light(name: str, pixels: np.ndarray) -> None:
    made = fitted(pixels, palette(name))
    assert {tuple(rgb) for rgb in made.tolist()} <= {tuple(rgb) for rgb in palette(name).tolist()}
    light = oklab(pixels)[:, 0]
    low, high = np.quantile(light, (0.02, 0.98))
    if high - low >= MIN_LIGHT_RANGE:  # in a flatter picture hue counts too
        order = np.argsort(light)
        assert (np.diff(oklab(made)[order, 0]) > -1e-6).all()


def test_a_bright_figure_keeps_its_shading_in_four_greens() -> None:
    """By nearest colour alone an ice golem became one flat green."""
    shades = np.stack([np.full(3, light) for light in range(170, 256, 5)]).astype(np.uint8)
    assert len(np.unique(nearest(shades, palette("game-boy")), axis=0)) < 4
    assert len(np.unique(fitted(shades, palette("game-boy")), axis=0)) == 4
