from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from generators.finishing import finished_pixels
from generators.outline import edge
from generators.parts import parts
from generators.quality_gate import Rules, failed, inspect
from generators.recipe import Kind
from generators.repair import groups, hover_px, mended, specks
from generators.seamless_check import edge_mismatch

RED = (200, 40, 40, 255)


def figure(size: int = 32) -> np.ndarray:
    """A two-coloured figure in the middle, standing one pixel above the end."""
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[size // 4 : size - 1, size // 3 : -size // 3] = RED
    pixels[size // 4 : size // 2, size // 3 : -size // 3] = (40, 40, 200, 255)
    return pixels


def with_speck(pixels: np.ndarray) -> np.ndarray:
    pixels[2, 2:4] = RED
    return pixels


def soft(pixels: np.ndarray) -> np.ndarray:
    pixels[20, 12, 3] = 90
    return pixels


def hovering(pixels: np.ndarray) -> np.ndarray:
    return np.roll(pixels, -8, 0)


def broken(pixels: np.ndarray) -> np.ndarray:
    pixels[18:22] = 0
    return pixels


def cut(pixels: np.ndarray) -> np.ndarray:
    pixels[:24, 0] = pixels[:24, 1] = pixels[:24, 2] = RED
    pixels[20, :16] = RED
    return pixels


def nearly_empty(pixels: np.ndarray) -> np.ndarray:
    pixels[:28] = 0
    pixels[28:, :14] = 0
    return pixels


def names(pixels: np.ndarray, rules: Any, near_copies: Any = None) -> set[str]:
    return {check.name for check in failed(inspect(pixels, rules, near_copies))}


def test_a_sound_picture_passes_every_check() -> None:
    checks = inspect(figure(), Rules(Kind.CHARACTER, palette=2))
    assert [check.name for check in checks if not check.ok] == []
    assert {"alpha", "palette", "not_empty", "specks", "one_subject", "not_cut_off", "baseline"} == {
        check.name for check in checks
    }


@pytest.mark.parametrize(
    ("damage", "name", "repairable", "word"),
    [
        (with_speck, "specks", True, "2 pixels"),
        (soft, "alpha", True, "1 pixels"),
        (hovering, "baseline", True, "9 pixels"),
        (broken, "one_subject", False, "into pieces"),
        (cut, "not_cut_off", False, "of the left"),
        (nearly_empty, "not_empty", False, "of the canvas"),
    ],
)
def test_each_fault_is_named_alone_and_mended_where_it_can_be(
    damage: Callable[[np.ndarray], np.ndarray], name: str, repairable: bool, word: str
) -> None:
    rules, pixels = Rules(Kind.CHARACTER), damage(figure())
    found = failed(inspect(pixels, rules))
    assert [(check.name, check.repairable) for check in found] == [(name, repairable)]
    assert word in found[0].detail
    assert names(finished_pixels(pixels, rules), rules) == (set() if repairable else {name})


def test_colours_outside_the_palette_are_counted_and_mended() -> None:
    for palette in (("#c82828", "#000000"), 2):
        rules, pixels = Rules(Kind.ITEM, palette=palette), figure()
        pixels[20, 12:15] = (1, 2, 3, 255)
        assert names(pixels, rules) == {"palette"}
        assert names(finished_pixels(pixels, rules), rules) == set()


def test_an_outline_that_is_missing_somewhere_is_mended() -> None:
    rules = Rules(Kind.ITEM, outline="#101010")
    whole = finished_pixels(figure(), rules)
    assert names(whole, rules) == set()
    gap = whole.copy()
    gap[tuple(np.argwhere(edge(whole[..., 3] > 0))[5])] = RED
    assert names(gap, rules) == {"outline"}
    assert names(finished_pixels(gap, rules), rules) == set()
    assert names(whole, Rules(Kind.ITEM, outline="none")) == {"outline"}


def test_a_solid_background_is_not_the_figure() -> None:
    rules = Rules(Kind.CHARACTER, palette=("#c82828", "#2828c8"), background="#ffffff", outline="#000000")
    made = finished_pixels(figure(), rules)
    assert names(made, rules) == set()
    assert "alpha" in names(figure(), rules)


def test_a_tile_may_fill_its_canvas_and_fall_into_pieces() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 4), np.uint8)
    noise[..., 3] = 255
    assert names(noise, Rules(Kind.TILE)) == set()
    assert names(broken(figure()), Rules(Kind.TILE)) == set()
    assert names(noise, Rules(Kind.ITEM)) == {"not_cut_off"}
    assert names(np.full_like(noise, 255), Rules(Kind.TILE)) == {"not_empty"}


def test_a_seamless_tile_must_join_itself() -> None:
    y, x = np.mgrid[:32, :32]
    wave = (128 + 60 * np.sin(2 * np.pi * x / 32) + 60 * np.sin(2 * np.pi * y / 16)).astype(np.uint8)
    tile = np.dstack([wave, wave, wave, np.full_like(wave, 255)])
    slope = np.dstack([(x * 8).astype(np.uint8)] * 3 + [np.full_like(wave, 255)])
    assert edge_mismatch(tile) < 1.2 < 5 < edge_mismatch(slope)
    assert edge_mismatch(np.rot90(slope)) == pytest.approx(edge_mismatch(slope), rel=1e-4)
    assert names(tile, Rules(Kind.TILE, seamless=True)) == set()
    assert names(slope, Rules(Kind.TILE, seamless=True)) == {"seamless"}
    assert names(slope, Rules(Kind.TILE)) == set()


class Index:
    """Holds one picture of the training art."""

    def __init__(self, known: np.ndarray) -> None:
        self._known = known

    def is_near_copy(self, pixels: np.ndarray) -> bool:
        return bool(np.abs(pixels.astype(int) - self._known).mean() < 4)


def test_a_near_copy_is_refused_where_there_is_an_index() -> None:
    rules = Rules(Kind.ITEM)
    assert names(figure(), rules, Index(figure())) == {"novelty"}
    assert names(figure(), rules, Index(figure()[:, ::-1] // 2)) == set()


@given(
    arrays(np.uint8, (32, 32, 4)),
    st.sampled_from([Kind.CHARACTER, Kind.ITEM, Kind.TILE]),
    st.sampled_from([None, "none", "#101010"]),
)
def test_what_is_finished_has_no_fault_that_can_be_mended(
    drawn: np.ndarray, kind: Kind, outline: str | None
) -> None:
    for palette in (None, 6, ("#000000", "#ff0000", "#ffffff")):
        rules = Rules(kind, palette, outline, None)
        made = finished_pixels(drawn, rules)
        left = [check for check in failed(inspect(made, rules)) if check.repairable]
        assert {check.name for check in left} <= ({"outline"} if outline == "none" else set()), left


@given(arrays(np.bool_, (9, 9)))
def test_parts_are_those_of_a_flood_fill(opaque: np.ndarray) -> None:
    labels, sizes = parts(opaque)
    assert sizes.sum() == opaque.size
    assert (labels > 0).tolist() == opaque.tolist()
    for label in range(1, len(sizes)):
        todo, seen = [tuple(np.argwhere(labels == label)[0])], set()
        while todo:
            y, x = todo.pop()
            if (y, x) in seen or not (0 <= y < 9 and 0 <= x < 9) or not opaque[y, x]:
                continue
            seen.add((y, x))
            todo += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        assert seen == {tuple(place) for place in np.argwhere(labels == label)}


def test_parts_two_pixels_apart_are_one_group() -> None:
    opaque = np.zeros((16, 16), bool)
    opaque[2:6, 2] = opaque[2:6, 5] = True
    assert groups(opaque)[1].tolist() == [248, 8]
    opaque[:, 5] = False
    opaque[2:6, 6] = True
    assert groups(opaque)[1].tolist() == [248, 4, 4]


def test_a_speck_is_never_the_whole_picture() -> None:
    lone = np.zeros((32, 32), bool)
    lone[4, 4:6] = True
    assert not specks(lone).any()
    assert not specks(np.zeros((32, 32), bool)).any()


def test_a_character_is_set_down_and_an_item_stays() -> None:
    up = hovering(figure())
    assert hover_px(mended(up, Kind.CHARACTER)[..., 3] > 0) == 1
    assert np.array_equal(mended(up, Kind.CHARACTER), figure())
    assert np.array_equal(mended(up, Kind.ITEM), up)
    low = np.roll(figure(), -2, 0)
    assert np.array_equal(mended(low, Kind.CHARACTER), low), "near enough: a step of a walk is not undone"
