from pathlib import Path

import numpy as np
import pytest
import torch

from generators.clip_pipeline import SHARED_NOISE, ClipPipeline, clip_noise
from generators.motion import ACTIONS, Direction
from generators.text_encoder import quiet_loading
from tests.unit.generators.tiny_clips import tiny_clip_pipeline

RUN = ACTIONS["run"]


@pytest.fixture(scope="module")
def pipeline() -> ClipPipeline:
    return tiny_clip_pipeline()


@pytest.fixture
def picture() -> np.ndarray:
    pixels = np.random.default_rng(2).integers(0, 256, (32, 32, 4), np.uint8)
    pixels[..., 3] = 255
    return pixels


def drawn(pipeline: ClipPipeline, picture: np.ndarray, seed: int = 1, **more) -> np.ndarray:
    asked = {"num_frames": 8, "num_inference_steps": 2, "action": RUN} | more
    generator = torch.Generator().manual_seed(seed)
    return pipeline("a red knight", picture, generator=generator, **asked).frames


def test_clips_have_the_frames_that_were_asked_for(pipeline: ClipPipeline, picture: np.ndarray) -> None:
    assert pipeline.size_px == 32
    for count in (8, 16):
        made = drawn(pipeline, picture, num_frames=count)
        assert (made.shape, made.dtype) == ((count, 32, 32, 4), np.uint8)


def test_a_seed_gives_the_same_clip_and_another_seed_another(
    pipeline: ClipPipeline, picture: np.ndarray
) -> None:
    first = drawn(pipeline, picture)
    assert np.array_equal(first, drawn(pipeline, picture))
    assert not np.array_equal(first, drawn(pipeline, picture, seed=2))


def test_every_step_shows_a_preview_of_all_frames(pipeline: ClipPipeline, picture: np.ndarray) -> None:
    shown = []
    drawn(
        pipeline,
        picture,
        num_inference_steps=3,
        callback_on_step_end=lambda step, steps, preview: shown.append((step, steps, preview().shape)),
    )
    assert shown == [(step, 3, (8, 32, 32, 4)) for step in range(3)]


class Stop(Exception):
    pass


def test_what_the_callback_raises_stops_the_drawing(pipeline: ClipPipeline, picture: np.ndarray) -> None:
    def stop(*_: object) -> None:
        raise Stop

    with pytest.raises(Stop):
        drawn(pipeline, picture, callback_on_step_end=stop)
    assert drawn(pipeline, picture).shape[0] == 8, "and it draws again"


def test_picture_of_another_size_and_left_are_refused(pipeline: ClipPipeline, picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be \(32, 32, 4\)"):
        drawn(pipeline, picture[:16])
    with pytest.raises(ValueError, match=r"right, down, up; mirror one for left"):
        drawn(pipeline, picture, facing=Direction.LEFT)


def test_saved_folder_has_the_standard_layout_and_draws_the_same(
    pipeline: ClipPipeline, picture: np.ndarray, tmp_path: Path
) -> None:
    with quiet_loading():
        pipeline.save_pretrained(tmp_path, safe_serialization=True)
        again = ClipPipeline.from_pretrained(tmp_path, local_files_only=True, use_safetensors=True)
    again.set_progress_bar_config(disable=True)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) >= ["network", "scheduler"]
    assert np.array_equal(drawn(again, picture), drawn(pipeline, picture))


def test_frames_share_half_of_their_noise() -> None:
    noise = clip_noise((4, 16, 64, 64), torch.Generator().manual_seed(0))
    flat = noise.flatten(1)
    assert flat.var(1).sub(1).abs().max() < 0.02
    together = torch.corrcoef(flat)
    off = together[~torch.eye(4, dtype=torch.bool)]
    assert (off - SHARED_NOISE).abs().max() < 0.03


def test_seamless_frames_join_at_their_edges(pipeline: ClipPipeline, picture: np.ndarray) -> None:
    """Moving the picture around its edges moves a seamless clip's frames with it; another clip's it does not."""
    turned = np.roll(picture, 8, (0, 1))

    def apart(seamless: bool) -> float:
        made, moved = (
            drawn(pipeline, each, seamless=seamless, num_inference_steps=1) for each in (picture, turned)
        )
        edge = np.s_[:, :4]
        return float(np.abs(np.roll(made, 8, (1, 2))[edge].astype(int) - moved[edge]).mean())

    assert drawn(pipeline, picture, seamless=True).shape == (8, 32, 32, 4)
    assert apart(True) != apart(False)
