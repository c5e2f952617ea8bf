import numpy as np
import pytest

from generators.silhouette import silhouettes
from tests.unit.generators.moving import decoded, moving_knight

EMPTY = np.zeros((16, 16), bool)


def block(count: int = 4) -> np.ndarray:
    """count 16 16: alpha of a square."""
    alpha = np.zeros((count, 16, 16), np.uint8)
    alpha[:, 4:12, 4:12] = 255
    return alpha


def test_soft_edges_are_cut_in_the_middle() -> None:
    alpha = block()
    alpha[:, 4, 4:12], alpha[:, 3, 4:12] = 140, 110
    made = silhouettes(alpha, EMPTY)
    assert made[:, 4, 4:12].all()
    assert not made[:, 3].any()


def test_speck_of_one_frame_is_removed_and_a_spark_that_moves_stays() -> None:
    alpha = block()
    alpha[1, 1, 1] = 255
    for index in range(4):
        alpha[index, 14, 2 + 2 * index] = 255
    made = silhouettes(alpha, EMPTY)
    assert not made[:, 1, 1].any()
    assert all(made[index, 14, 2 + 2 * index] for index in range(4))


def test_speck_that_the_reference_has_stays() -> None:
    alpha, reference = block(), EMPTY.copy()
    alpha[1, 1, 1], reference[1, 1] = 255, True
    assert silhouettes(alpha, reference)[1, 1, 1]


def test_pinhole_of_one_frame_is_closed_and_a_hole_that_lasts_stays() -> None:
    alpha, reference = block(), block(1)[0] > 0
    alpha[1, 6, 6] = 0
    alpha[1:3, 9, 9] = 0
    made = silhouettes(alpha, reference)
    assert made[1, 6, 6]
    assert not made[1:3, 9, 9].any()


def test_unsure_edge_pixel_does_not_flicker_and_a_sure_one_may() -> None:
    alpha = block()
    alpha[1, 4, 4], alpha[1, 11, 11] = 100, 0
    made = silhouettes(alpha, EMPTY)
    assert made[1, 4, 4]
    assert not made[1, 11, 11]


def test_nothing_is_moved() -> None:
    frames = moving_knight()
    made = silhouettes(frames[..., 3], frames[0, ..., 3] > 0)
    assert np.array_equal(made, frames[..., 3] > 0)


def test_floor_without_clear_pixels_keeps_none() -> None:
    alpha = np.full((4, 16, 16), 255, np.uint8)
    alpha[:, 3, :5] = 0
    assert silhouettes(alpha, ~EMPTY).all()
    assert not silhouettes(alpha, EMPTY)[:, 3, :5].any()


@pytest.mark.parametrize("count", [1, 2])
def test_the_shortest_clips_are_cut_too(count: int) -> None:
    assert np.array_equal(silhouettes(block(count), EMPTY), block(count) > 0)


def test_decoded_silhouettes_come_back() -> None:
    frames = moving_knight()
    made = silhouettes(decoded(frames)[..., 3], frames[0, ..., 3] > 0)
    assert (made != (frames[..., 3] > 0)).mean() < 0.002
