import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from generators.outline import dark_line, draw_outline, edge, outline_share, remove_outline

SHAPES = arrays(np.bool_, (12, 12))
COLOURS = arrays(np.uint8, (12, 12, 3))
LINE = "#1a1c2c"
LINE_RGBA = (0x1A, 0x1C, 0x2C, 255)


def figure(opaque: np.ndarray, colours: np.ndarray) -> np.ndarray:
    pixels = np.dstack([colours, np.full(opaque.shape, 255, np.uint8)])
    pixels[~opaque] = 0
    return pixels


def square(
    size: int = 12, begin: int = 3, end: int = 9, colour: tuple[int, ...] = (200, 40, 40)
) -> np.ndarray:
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[begin:end, begin:end] = (*colour, 255)
    return pixels


@given(SHAPES, COLOURS)
def test_the_whole_edge_takes_the_colour(opaque: np.ndarray, colours: np.ndarray) -> None:
    made = draw_outline(figure(opaque, colours), LINE)
    assert outline_share(made, LINE) == 1
    if opaque.any() and not opaque.all():
        assert (made[edge(made[..., 3] > 0)] == LINE_RGBA).all()


@given(SHAPES, COLOURS)
def test_drawing_it_again_changes_nothing(opaque: np.ndarray, colours: np.ndarray) -> None:
    once = draw_outline(figure(opaque, colours), LINE)
    assert np.array_equal(draw_outline(once, LINE), once)


@given(SHAPES, COLOURS)
def test_the_figure_stands_where_it_stood_and_never_shrinks(opaque: np.ndarray, colours: np.ndarray) -> None:
    made = draw_outline(figure(opaque, colours), LINE)[..., 3] > 0
    assert (made | ~opaque).all()
    if opaque.any():
        assert np.flatnonzero(made.any(1))[-1] == np.flatnonzero(opaque.any(1))[-1]


def test_a_bright_figure_keeps_its_width_and_gets_one_pixel_around() -> None:
    made = draw_outline(square(), LINE)
    assert (made[3:8, 3:9] == (200, 40, 40, 255)).all(), "only the lowest row is drawn over"
    assert (made[2, 3:9] == LINE_RGBA).all()
    assert (made[3:9, 2] == LINE_RGBA).all()
    assert (made[8, 2:10] == LINE_RGBA).all()
    assert not made[2, 2].any(), "a corner is left out, as a line of one pixel does"
    assert not made[9:].any()


def test_a_dark_line_that_is_there_takes_the_colour_and_is_not_doubled() -> None:
    pixels = square(begin=3, end=9)
    pixels[edge(pixels[..., 3] > 0)] = (0, 0, 0, 255)
    made = draw_outline(pixels, "#ffffff")
    assert np.array_equal(made[..., 3], pixels[..., 3])
    assert (made[3, 3:9] == 255).all()
    assert (made[4:8, 4:8] == (200, 40, 40, 255)).all()


def test_a_figure_at_the_canvas_end_is_outlined_inside() -> None:
    made = draw_outline(square(begin=0, end=9), LINE)
    assert made.shape == (12, 12, 4)
    assert (made[0, :9] == LINE_RGBA).all()
    assert (made[:9, 0] == LINE_RGBA).all()


def test_a_floor_has_no_outline() -> None:
    floor = np.full((8, 8, 4), 255, np.uint8)
    assert np.array_equal(draw_outline(floor, LINE), floor)
    assert outline_share(floor, LINE) == 1


@given(SHAPES, COLOURS)
def test_removing_keeps_the_silhouette_and_adds_no_colour(opaque: np.ndarray, colours: np.ndarray) -> None:
    pixels = figure(opaque, colours)
    made = remove_outline(pixels)
    assert np.array_equal(made[..., 3], pixels[..., 3])
    before = {tuple(rgb) for rgb in pixels[opaque].tolist()}
    assert {tuple(rgb) for rgb in made[opaque].tolist()} <= before


def test_a_removed_line_shows_what_it_enclosed() -> None:
    pixels = square()
    pixels[edge(pixels[..., 3] > 0)] = (0, 0, 0, 255)
    assert dark_line(pixels).sum() == 20
    assert outline_share(pixels, "none") == 0
    made = remove_outline(pixels)
    assert outline_share(made, "none") == 1
    assert (made[4:8, 3:9] == (200, 40, 40, 255)).all()


def test_a_lit_edge_is_no_line() -> None:
    pixels = square(colour=(90, 90, 90))
    pixels[edge(pixels[..., 3] > 0)] = (250, 250, 200, 255)
    assert not dark_line(pixels).any()
    assert np.array_equal(remove_outline(pixels), pixels)


@pytest.mark.parametrize("rule", ["none", LINE])
def test_an_empty_picture_keeps_every_rule(rule: str) -> None:
    empty = np.zeros((8, 8, 4), np.uint8)
    assert not draw_outline(empty, LINE).any()
    assert not remove_outline(empty).any()
    assert outline_share(empty, rule) == 1
