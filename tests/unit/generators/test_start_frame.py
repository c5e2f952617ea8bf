"""The first frame that a video model is given: where the picture stands, and what stands behind it."""

import numpy as np
import pytest

from generators.start_frame import start_frame


def box(size: int, top: int, bottom: int, left: int, right: int, colour: tuple[int, ...]) -> np.ndarray:
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[top:bottom, left:right] = (*colour, 255)
    return pixels


def test_a_sprite_keeps_its_pixels_in_the_square_in_the_middle() -> None:
    sprite = box(16, 2, 14, 4, 12, (200, 30, 30))
    frame = np.asarray(start_frame(sprite, 96, 64, pixelised=True))
    assert frame.shape == (64, 96, 3)
    within = frame[:, 16:80].reshape(16, 4, 16, 4, 3)
    assert (within == within[:, :1, :, :1]).all()  # every pixel of the sprite became a whole block
    red = (within[:, 0, :, 0] == (200, 30, 30)).all(-1)
    assert np.array_equal(red, sprite[..., 3] > 0)


def test_a_wide_picture_fills_a_wide_frame() -> None:
    photo = box(96, 16, 80, 0, 96, (10, 90, 160))
    assert (np.asarray(start_frame(photo, 96, 64, pixelised=False)) == (10, 90, 160)).all()
    tall = np.ascontiguousarray(photo.transpose(1, 0, 2))
    assert (np.asarray(start_frame(tall, 64, 96, pixelised=False)) == (10, 90, 160)).all()


def test_a_square_picture_is_not_cut() -> None:
    square = box(96, 0, 96, 0, 96, (10, 90, 160))
    frame = np.asarray(start_frame(square, 96, 64, pixelised=False))
    assert (frame[:, 16:80] == (10, 90, 160)).all()
    assert not (frame[:, :16] == (10, 90, 160)).all(-1).any()


@pytest.mark.parametrize(
    ("colour", "behind"),
    [((250, 250, 250), (0, 0, 0)), ((5, 5, 5), (255, 255, 255)), ((0, 177, 64), (0, 0, 0))],
)
def test_what_stands_behind_is_far_from_the_pictures_colours(
    colour: tuple[int, ...], behind: tuple[int, ...]
) -> None:
    frame = np.asarray(start_frame(box(16, 4, 12, 4, 12, colour), 64, 64, pixelised=True))
    assert tuple(frame[0, 0]) == behind


def test_a_clear_picture_is_a_plain_frame() -> None:
    frame = np.asarray(start_frame(np.zeros((16, 16, 4), np.uint8), 64, 64, pixelised=True))
    assert (frame == 255).all()
