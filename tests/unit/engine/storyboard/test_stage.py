"""Where figures stand and what covers what, pixel by pixel."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.storyboard.stage import Actor, Figure, Stage, along, leg_direction
from generators.animation import Animation
from generators.motion import Direction

KNIGHT = "asset-a1"
Picture = Callable[[str], NDArray[np.uint8]]
FLOOR = np.full((40, 60, 3), 100, np.uint8)


def still(frames: NDArray[np.uint8], frame_ms: int = 100, loops: bool = True) -> Figure:
    return Figure.of(Animation("x", frames, frame_ms, loops), hops=False)


def actor(figure: Figure, *path: tuple[int, int], scale: int = 1, shadow: bool = False) -> Actor:
    return Actor(path, {None: figure}, {}, None, turns=False, scale=scale, shadow=shadow)


def coloured(frame: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.nonzero((frame != 100).any(-1))


@pytest.mark.parametrize("scale", [1, 2])
def test_the_lowest_row_stands_on_the_place_and_its_canvas_in_the_middle(
    picture: Picture, scale: int
) -> None:
    stage = Stage(FLOOR, (actor(still(picture(KNIGHT)[None]), (30, 35), scale=scale),))
    rows, columns = coloured(stage.frame(0, 1, 12))
    assert (rows.max(), rows.max() - rows.min() + 1) == (35, 10 * scale)
    assert (columns.min(), columns.max()) == (30 - 3 * scale, 30 + 3 * scale - 1)
    assert (FLOOR == 100).all()


def test_a_path_is_walked_at_an_even_pace_in_whole_pixels_from_end_to_end(picture: Picture) -> None:
    stage = Stage(FLOOR, (actor(still(picture(KNIGHT)[None]), (10, 35), (30, 35), (30, 15)),))
    feet = []
    for index in range(9):
        rows, columns = coloured(stage.frame(index, 9, 12))
        feet.append((int(columns.min()) + 3, int(rows.max())))
    assert feet == [(10, 35), (15, 35), (20, 35), (25, 35), (30, 35), (30, 30), (30, 25), (30, 20), (30, 15)]


def test_a_path_that_stays_where_it_is_goes_nowhere() -> None:
    assert along(((5, 5), (5, 5)), 0.5) == (0, (5, 5))
    assert along(((5, 5),), 1.0) == (0, (5, 5))


@pytest.mark.parametrize(
    ("to", "way"),
    [
        ((9, 1), "right"),
        ((-9, 1), "left"),
        ((1, 9), "down"),
        ((1, -9), "up"),
        ((5, 5), "right"),
        ((0, 0), None),
    ],
)
def test_one_faces_where_the_path_leads(to: tuple[int, int], way: str | None) -> None:
    assert leg_direction(((0, 0), to), 0) == (None if way is None else Direction(way))


def test_a_figure_turns_at_the_corner(picture: Picture) -> None:
    right, left = still(picture(KNIGHT)[None]), still(picture(KNIGHT)[None, :, ::-1])
    figures = {Direction.RIGHT: right, Direction.LEFT: left}
    there_and_back = Actor(
        ((10, 35), (50, 35), (10, 35)), figures, {}, None, turns=True, scale=1, shadow=False
    )
    assert there_and_back.at(0.25, 0)[0] is right
    assert there_and_back.at(0.75, 0)[0] is left


def test_who_stands_lower_is_in_front(picture: Picture) -> None:
    near, far = np.array(picture(KNIGHT)), np.array(picture(KNIGHT))
    near[..., :3], far[..., :3] = 10, 200
    figures = [actor(still(near[None]), (30, 36)), actor(still(far[None]), (30, 33))]
    for cast in (figures, figures[::-1]):
        frame = Stage(FLOOR, tuple(cast)).frame(0, 1, 12)
        assert (frame[30, 30] == 10).all()
        assert (frame[24, 30] == 200).all()


def test_an_action_that_ends_stays_in_its_last_frame_or_is_followed_by_another(picture: Picture) -> None:
    frames = np.stack([picture(KNIGHT)] * 3)
    frames[1, 0, 0], frames[2, 0, 1] = 1, 2
    once, after = still(frames, loops=False), still(picture(KNIGHT)[None])
    assert [int(once.picture(ms)[0, :2].max()) for ms in (0, 99, 100, 250, 9_000)] == [0, 0, 1, 2, 2]
    assert [int(still(frames).picture(ms)[0, :2].max()) for ms in (0, 100, 250, 300, 450)] == [0, 1, 2, 0, 1]
    followed = Actor(((0, 0),), {None: once}, {None: after}, None, turns=False, scale=1, shadow=False)
    assert followed.at(0, 299)[0] is once
    assert followed.at(0, 310)[:2] == (after, 10)


def test_one_stray_pixel_in_one_frame_lifts_nobody(picture: Picture) -> None:
    frames = np.stack([picture(KNIGHT)] * 5)
    frames[2, 15, 0] = 255
    assert Figure.of(Animation("walk", frames, 80, True), hops=False).foot_row == 13
    assert Figure.of(Animation("float", frames, 80, True), hops=True).foot_row == 15


def test_a_shadow_lies_around_the_feet_and_under_everyone(picture: Picture) -> None:
    without = Stage(FLOOR, (actor(still(picture(KNIGHT)[None]), (30, 30)),)).frame(0, 1, 12)
    stage = Stage(FLOOR, (actor(still(picture(KNIGHT)[None]), (30, 30), shadow=True),))
    rows, columns = np.nonzero((stage.frame(0, 1, 12) != without).any(-1))
    assert rows.min() >= 29
    assert rows.max() <= 31
    assert abs((columns.min() + columns.max()) / 2 - 30) <= 1
    assert (stage.frame(0, 1, 12)[31, 30] < 100).all()


@pytest.mark.parametrize("place", [(-500, 20), (500, 20), (30, -500), (30, 500), (0, 0), (59, 39)])
def test_who_leaves_the_stage_is_cut_at_its_edge(picture: Picture, place: tuple[int, int]) -> None:
    frame = Stage(FLOOR, (actor(still(picture(KNIGHT)[None]), place, scale=8, shadow=True),)).frame(0, 1, 12)
    assert frame.shape == FLOOR.shape
    assert (frame == 100).all() == (500 in map(abs, place))


def test_a_clear_picture_stands_without_a_shadow() -> None:
    empty = still(np.zeros((2, 16, 16, 4), np.uint8))
    assert (Stage(FLOOR, (actor(empty, (30, 30), shadow=True),)).frame(0, 1, 12) == 100).all()
