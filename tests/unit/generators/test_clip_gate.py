from typing import Any

import numpy as np
import pytest

from generators.clip_gate import inspect_clip, motion
from generators.recipe import Recipe


def clip_recipe(fields: dict[str, Any], **changes: Any) -> Recipe:
    return Recipe.make(
        **(fields | {"kind": "clip", "frames": 8, "frame_ms": 80, "action": "float"} | changes)
    )


def frames(places: list[int]) -> np.ndarray:
    """A block that stands at these heights, one a frame."""
    made = np.zeros((len(places), 32, 32, 4), np.uint8)
    for k, top in enumerate(places):
        made[k, top : top + 12, 10:22] = (200, 40, 40, 255)
        made[k, top + 4 : top + 8, 12:20] = (40, 40, 200, 255)
    return made


BOB = [10, 11, 12, 13, 13, 12, 11, 10]


def failing(made: np.ndarray, recipe: Recipe) -> set[str]:
    return {check.name for check in inspect_clip(made, recipe) if not check.ok}


def test_a_loop_that_joins_passes(fields: dict[str, Any]) -> None:
    checks = inspect_clip(frames(BOB), clip_recipe(fields))
    assert {"alpha", "not_empty", "one_subject", "motion", "loop"} <= {check.name for check in checks}
    assert all(check.ok for check in checks)


def test_a_clip_that_stands_still_does_not(fields: dict[str, Any]) -> None:
    assert failing(frames([10] * 8), clip_recipe(fields)) == {"motion"}


def test_a_loop_that_jumps_does_not_but_a_blow_may(fields: dict[str, Any]) -> None:
    drifting = frames([0, 1, 2, 3, 4, 5, 6, 7])
    assert failing(drifting, clip_recipe(fields)) == {"loop"}
    assert failing(drifting, clip_recipe(fields, action="die")) == set()


def test_the_first_frame_is_asked_what_a_picture_is(fields: dict[str, Any]) -> None:
    made = frames(BOB)
    made[0, 0, 0] = (1, 2, 3, 255)
    assert failing(made, clip_recipe(fields)) == set(), "a spark is no speck"
    made[0, :6, :6] = made[0, 25:, 25:] = (1, 2, 3, 255)
    assert "one_subject" in failing(made, clip_recipe(fields))
    made = frames(BOB)
    made[0, 10:14, 10:22, 3] = 100
    assert "alpha" in failing(made, clip_recipe(fields))


def test_a_leap_may_leave_the_ground_and_the_canvas(fields: dict[str, Any]) -> None:
    made = frames([20, 10, 0, 0, 0, 0, 10, 20])
    assert failing(made, clip_recipe(fields, action="attack")) == set()


@pytest.mark.parametrize("count", [1, 2])
def test_motion_is_measured_between_neighbours(count: int) -> None:
    found = motion(frames(BOB[:count]))
    assert len(found.steps) == count - 1
    assert (found.seam > 0) == (count == 2)


def test_dark_water_moves_by_shades(fields: dict[str, Any]) -> None:
    shades = np.zeros((8, 32, 32, 4), np.uint8)
    shades[..., 2:] = (60, 255)
    shades[..., 2] += (np.arange(32)[None, :, None] + np.arange(8)[:, None, None]).astype(np.uint8) % 8
    assert failing(shades, clip_recipe(fields, action="water")) == set()
    assert failing(shades, clip_recipe(fields, action="float")) == {"motion"}
