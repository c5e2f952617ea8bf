import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generators.clip_redrawing import costs, places, redrawn, steady
from generators.palette import nearest_indices
from tests.unit.generators.moving import decoded, knight, moving_knight


def indexed(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``frames`` (… 4) as indices into their opaque colours (n 3), where n is clear; and these."""
    opaque = frames[..., 3] > 0
    colours, numbers = np.unique(frames[opaque][:, :3], axis=0, return_inverse=True)
    indices = np.full(opaque.shape, len(colours))
    indices[opaque] = numbers.reshape(-1)
    return indices, colours


def rates(frames: np.ndarray, noise: float) -> tuple[float, float]:
    """Shares of opaque pixels that are right: drawn again, and in their nearest colours."""
    wanted, colours = indexed(frames)
    opaque, drawn = frames[..., 3] > 0, decoded(frames, noise=noise)
    made = redrawn(drawn[..., :3], opaque, wanted[0], colours)
    plain = nearest_indices(places(drawn[opaque][:, :3]), places(colours))
    return float((made == wanted)[opaque].mean()), float((plain == wanted[opaque]).mean())


def test_pixels_of_the_reference_come_back_through_noise_that_hides_them() -> None:
    again, plain = rates(moving_knight(), noise=45)
    assert plain < 0.75
    assert again > 0.93


def test_clean_frames_come_back_to_the_bit() -> None:
    frames = moving_knight()
    wanted, colours = indexed(frames)
    assert np.array_equal(redrawn(frames[..., :3], frames[..., 3] > 0, wanted[0], colours), wanted)


def test_silhouette_stays_as_given() -> None:
    wanted, colours = indexed(knight())
    opaque = np.random.default_rng(0).random((3, 64, 64)) < 0.5
    rgb = np.random.default_rng(1).integers(0, 256, (3, 64, 64, 3), np.uint8)
    assert np.array_equal(redrawn(rgb, opaque, wanted, colours) < len(colours), opaque)


def test_what_the_reference_does_not_show_there_takes_its_nearest_colour() -> None:
    wanted, colours = indexed(knight())
    rgb, opaque = np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 64, 64), bool)
    gold = int(nearest_indices(places(np.array([[240, 200, 60]], np.uint8)), places(colours))[0])
    rgb[0, 2:8, 50:60], opaque[0, 2:8, 50:60] = colours[gold], True
    made = redrawn(rgb, opaque, wanted, colours)
    assert (made[0, 2:8, 50:60] == gold).all()


def test_empty_frames_stay_empty() -> None:
    nothing = np.full((8, 8), 2)
    colours = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    made = redrawn(np.zeros((2, 8, 8, 3), np.uint8), np.zeros((2, 8, 8), bool), nothing, colours)
    assert (made == 2).all()


def test_costs_are_squared_distances_and_clear_comes_last() -> None:
    drawn = places(np.array([[[255, 0, 0], [0, 0, 0]]], np.uint8))
    shown = places(np.array([[255, 0, 0], [0, 0, 255]], np.uint8))
    made = costs(drawn, np.array([[True, False]]), shown)
    assert np.allclose(made[0, 0], [0, 0.9**2 + 0.8**2, 0.3], atol=1e-6)
    assert np.allclose(made[0, 1], [0.3, 0.3, 0])


COLOURS = np.array([[100, 100, 100], [120, 120, 120], [255, 0, 0]], np.uint8)


def steadied(numbers: list[int], seen: list[int]) -> list[int]:
    """One pixel over time: its colours, and those that were drawn."""
    indices = np.array(numbers)[:, None, None]
    return steady(indices, COLOURS[np.array(seen)][:, None, None], COLOURS)[:, 0, 0].tolist()


def test_colour_of_one_frame_alone_is_dropped_where_it_is_hardly_better() -> None:
    assert steadied([0, 0, 1, 0, 0], [0, 0, 1, 0, 0]) == [0] * 5


def test_colour_of_one_frame_alone_stays_where_it_was_clearly_drawn() -> None:
    assert steadied([0, 0, 2, 0, 0], [0, 0, 2, 0, 0]) == [0, 0, 2, 0, 0]


def test_colours_that_take_turns_come_to_rest() -> None:
    assert steadied([0, 1, 0, 1, 0], [0, 1, 0, 1, 0]) == [0] * 5


def test_colour_of_two_frames_stays() -> None:
    assert steadied([0, 1, 1, 0], [0, 1, 1, 0]) == [0, 1, 1, 0]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_clear_pixels_are_never_exchanged(numbers: list[int]) -> None:
    made = steadied(numbers, [min(number, 2) for number in numbers])
    assert [number == 3 for number in made] == [number == 3 for number in numbers]
