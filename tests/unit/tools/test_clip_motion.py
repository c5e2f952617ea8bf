import numpy as np
import pytest

from tools.clip_evaluation.motion import (
    FOOT_REACH_PX,
    changed,
    flicker,
    foot_drift,
    motion,
    steady_pixels,
)

RED, GREEN = (200, 20, 20, 255), (20, 200, 20, 255)


def figure(right: int = 0, down: int = 0, colour: tuple[int, int, int, int] = RED) -> np.ndarray:
    """A block of 12 by 24 pixels that stands in the middle of a clear canvas, moved."""
    canvas = np.zeros((64, 64, 4), np.uint8)
    canvas[30 + down : 54 + down, 26 + right : 38 + right] = colour
    return canvas


def clip(*shifts: int) -> np.ndarray:
    return np.stack([figure(right) for right in shifts])


def test_a_still_clip_has_no_motion_no_seam_and_no_flicker() -> None:
    still = clip(*[0] * 8)
    found = motion(still, figure(), loops=True)
    assert (found.from_reference, found.between, found.poses, found.step, found.seam) == (0, 0, 0, 0, 0)
    noise = flicker(still, steady_pixels(still, figure()), loops=True)
    assert (noise.still, noise.second, noise.first) == (0, 0, 0)


def test_the_share_that_changed_is_of_pixels_drawn_in_either_picture() -> None:
    assert changed(figure(), figure(right=3)) == pytest.approx(2 * 3 / (12 + 3))
    assert changed(figure(), figure(colour=GREEN)) == 1
    slightly = tuple(channel + 9 for channel in RED[:3])
    assert changed(figure(), figure(colour=(*slightly, 255))) == 0
    assert changed(np.zeros((64, 64, 4), np.uint8), np.zeros((64, 64, 4), np.uint8)) == 0


def test_a_loop_that_jumps_home_has_a_seam() -> None:
    jumps = motion(clip(0, 1, 2, 3, 4, 5, 6, 7), figure(), loops=True)
    sways = motion(clip(0, 1, 2, 3, 4, 3, 2, 1), figure(), loops=True)
    assert jumps.seam is not None
    assert sways.seam is not None
    assert sways.seam == pytest.approx(sways.step)
    assert jumps.seam == pytest.approx(7 * jumps.step)


def test_what_does_not_loop_has_no_seam_and_no_step_home() -> None:
    falls = clip(0, 0, 0, 0, 0, 0, 0, 8)
    once, looped = motion(falls, figure(), loops=False), motion(falls, figure(), loops=True)
    assert once.seam is None
    assert once.between == pytest.approx(changed(figure(), figure(8)) / 7)
    assert looped.between == pytest.approx(2 * changed(figure(), figure(8)) / 8)


def test_a_pose_held_after_one_change_moves_from_the_picture_and_not_between_frames() -> None:
    held = clip(*[12] * 8)
    found = motion(held, figure(), loops=True)
    assert (found.from_reference, found.between, found.poses) == (1, 0, 0)
    assert found.present == 0.5


def test_noise_on_pixels_that_should_stand_is_flicker() -> None:
    still = clip(*[0] * 8)
    steady = steady_pixels(still, figure())
    assert steady.sum() == 12 * 24
    noisy = still.copy()
    noise = np.random.default_rng(0).integers(-20, 21, (8, 64, 64, 3))
    noisy[..., :3] = np.where(still[..., 3:] > 0, np.clip(still[..., :3].astype(int) + noise, 0, 255), 0)
    found = flicker(noisy, steady, loops=True)
    assert 5 < found.still < 20
    assert found.second / found.first == pytest.approx(3, rel=0.1)


def test_pixels_that_the_real_clip_changes_need_not_stand() -> None:
    moving = clip(0, 1, 0, 1, 0, 1, 0, 1)
    steady = steady_pixels(moving, figure())
    assert steady.sum() == 11 * 24
    assert flicker(moving, steady, loops=True).still == 0


def test_a_slow_change_of_light_is_no_jerk() -> None:
    fading = np.stack([figure(colour=(60 + 10 * k, 20, 20, 255)) for k in range(8)])
    found = flicker(fading, np.zeros((64, 64), bool), loops=False)
    assert found.first > 0
    assert found.second == pytest.approx(0)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, 0), (-5, 0), (0, 4), (0, -2), (3, 4)])
def test_a_shifted_figure_drifts_by_its_pixels(right: int, down: int) -> None:
    moved = np.stack([figure(right, down)] * 8)
    assert foot_drift(moved, figure()) == pytest.approx(np.hypot(right, down))


def test_drift_is_the_mean_over_frames() -> None:
    assert foot_drift(clip(0, 0, 0, 0, 4, 4, 4, 4), figure()) == pytest.approx(2)


def test_sparks_away_from_the_feet_are_no_drift() -> None:
    sparks = clip(*[0] * 8)
    sparks[:, 60:62, 2:4] = GREEN
    sparks[:, 10:12, 40:42] = GREEN
    assert foot_drift(sparks, figure()) == 0


def test_a_figure_that_is_gone_has_drifted_all_the_way() -> None:
    assert foot_drift(np.zeros((8, 64, 64, 4), np.uint8), figure()) == FOOT_REACH_PX
    assert foot_drift(clip(0, 0), np.zeros((64, 64, 4), np.uint8)) is None
