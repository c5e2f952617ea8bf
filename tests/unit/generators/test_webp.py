import io

import numpy as np
import pytest
from PIL import Image

from generators.animation import Animation
from generators.webp import webp_bytes
from tests.unit.generators.moving import animation, many_colours, with_still_frames


def played(data: bytes) -> tuple[np.ndarray, list[int], int]:
    """Frames as Pillow shows them, their times and the number of plays."""
    frames, times = [], []
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
        for index in range(image.n_frames):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGBA")))
            times.append(image.info["duration"])
        return np.stack(frames), times, image.info["loop"]


def seen(frames: np.ndarray) -> np.ndarray:
    """What can be seen: clear pixels have no colour."""
    return np.where(frames[..., 3:] > 0, frames, 0)


@pytest.mark.parametrize(
    "shown", [animation(), with_still_frames(), Animation("burn", many_colours(), 50, True)]
)
def test_every_frame_is_shown_as_it_is(shown: Animation) -> None:
    frames, times, plays = played(webp_bytes(shown, 2))
    assert np.array_equal(seen(frames), seen(shown.frames.repeat(2, 1).repeat(2, 2)))
    assert times == [shown.frame_ms] * len(shown.frames)
    assert plays == 0


def test_one_that_does_not_loop_plays_once() -> None:
    assert played(webp_bytes(animation(loops=False), 1))[2] == 1


def test_half_clear_pixels_keep_their_alpha() -> None:
    frames = many_colours()
    frames[..., 3] = 100
    assert np.array_equal(played(webp_bytes(Animation("glow", frames, 100, True), 1))[0], frames)


def test_one_frame_and_odd_sizes_are_written() -> None:
    shown = Animation("idle", many_colours(1)[:, :7, 3:16], 100, True)
    with Image.open(io.BytesIO(webp_bytes(shown, 3))) as image:
        assert np.array_equal(
            seen(np.asarray(image.convert("RGBA"))), seen(shown.frames[0].repeat(3, 0).repeat(3, 1))
        )


def test_same_animation_gives_the_same_bytes() -> None:
    assert webp_bytes(animation(), 4) == webp_bytes(animation(), 4)
