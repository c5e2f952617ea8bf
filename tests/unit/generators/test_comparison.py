"""How far two pictures are apart: what is counted, and what a person would see."""

import numpy as np
import pytest

from generators.comparison import VISIBLE_DIFFERENCE, compare


def picture() -> np.ndarray:
    """8 8 4: a grey square of 4x4 pixels on a clear ground."""
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[2:6, 2:6] = (100, 100, 100, 255)
    return pixels


def test_a_picture_does_not_differ_from_itself() -> None:
    found = compare(picture(), picture())
    assert (found.total, found.drawn, found.differing, found.visible, found.largest) == (64, 16, 0, 0, 0)
    assert found.visible_share == 0


def test_a_shade_is_counted_but_not_seen() -> None:
    shaded = picture()
    shaded[2, 2, 0] += VISIBLE_DIFFERENCE
    found = compare(picture(), shaded)
    assert (found.differing, found.visible, found.largest) == (1, 0, VISIBLE_DIFFERENCE)
    shaded[2, 2, 0] += 1
    assert compare(picture(), shaded).visible == 1


def test_an_outline_pixel_is_seen_even_where_it_is_nearly_black() -> None:
    grown = picture()
    grown[1, 3] = (1, 1, 1, 255)
    found = compare(picture(), grown)
    assert (found.drawn, found.visible) == (17, 1)
    assert found.visible_share == pytest.approx(1 / 17)


def test_empty_pictures_are_equal_and_sizes_must_fit() -> None:
    empty = np.zeros((8, 8, 4), np.uint8)
    assert compare(empty, empty).visible_share == 0
    with pytest.raises(ValueError, match="cannot be compared"):
        compare(empty, np.zeros((4, 4, 4), np.uint8))
