"""Pan and zoom without a blur and without a shimmer."""

import numpy as np
import pytest

from engine.storyboard.camera import eased, shot_through, window
from engine.storyboard.script import Camera

STILL = Camera()


def moving(start: dict[str, object], end: dict[str, object]) -> Camera:
    return Camera.model_validate({"from": start, "to": end})


def test_each_scene_pixel_becomes_a_block() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (18, 32, 3), np.uint8)
    seen = shot_through(frame, STILL, 0.5, (32, 18), 4)
    assert np.array_equal(seen, frame.repeat(4, 0).repeat(4, 1))


def test_a_zoom_by_a_whole_number_of_film_pixels_gives_equal_blocks_around_its_middle() -> None:
    frame = np.arange(18 * 32 * 3, dtype=np.uint16).astype(np.uint8).reshape(18, 32, 3)
    seen = shot_through(frame, Camera.model_validate({"from": {"at": (16, 9), "zoom": 2}}), 0, (32, 18), 4)
    assert np.array_equal(seen, frame[4:14, 8:24].repeat(8, 0).repeat(8, 1)[4:76])


@pytest.mark.parametrize("at", [(-500, -500), (500, 500), (0, 200)])
def test_the_camera_never_leaves_the_stage(at: tuple[int, int]) -> None:
    left, top, pixel = window(
        Camera.model_validate({"from": {"at": at, "zoom": 1.3}}), 0, (32, 18), (64, 18), 4
    )
    assert 0 <= left <= 64 - 32 / 1.3 + 1 / pixel
    assert 0 <= top <= 18 - 18 / 1.3 + 1 / pixel
    frame = np.zeros((18, 64, 3), np.uint8)
    assert shot_through(
        frame, Camera.model_validate({"from": {"at": at, "zoom": 8}}), 0, (32, 18), 4
    ).shape == (
        72,
        128,
        3,
    )


def test_a_pan_moves_the_picture_as_a_whole_and_only_one_way() -> None:
    pan = moving({"at": (16, 9)}, {"at": (48, 9)})
    lefts = []
    for step in range(25):
        left, _, pixel = window(pan, step / 24, (32, 18), (64, 18), 4)
        assert (left * pixel) == pytest.approx(round(left * pixel))
        lefts.append(left)
    assert (lefts[0], lefts[-1]) == (0, 32)
    assert lefts == sorted(lefts)


def test_a_pan_from_beyond_the_edge_begins_at_once() -> None:
    far = moving({"at": (-1000, 9)}, {"at": (1000, 9)})
    near = moving({"at": (16, 9)}, {"at": (48, 9)})
    for progress in (0, 0.2, 0.5, 1):
        assert window(far, progress, (32, 18), (64, 18), 4) == window(near, progress, (32, 18), (64, 18), 4)


def test_motion_begins_and_ends_slowly() -> None:
    assert (eased(0), eased(0.5), eased(1)) == (0, 0.5, 1)
    assert eased(0.1) < 0.1
