import json
from pathlib import Path

import numpy as np
import pytest
import torch

from generators.clip_judge import ClipJudge, clip_judge_digest
from generators.errors import WeightsUnavailable
from generators.judge import CONFIG, WEIGHTS
from generators.motion import ACTIONS
from tools.clip_judge.export import write_clip_judge


@pytest.fixture
def judge() -> ClipJudge:
    torch.manual_seed(0)
    return ClipJudge(widths=(8, 16), features=12, facing_widths=(8, 16)).eval()


def random_clips(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 64, 64, 4), np.uint8)


def test_chances_of_the_actions_and_of_standing_still_are_whole_together(judge: ClipJudge) -> None:
    clips = random_clips(3)
    chances = judge.actions(clips, clips[:, 0])
    assert chances.shape == (3, len(ACTIONS))
    assert (chances > 0).all()
    assert (chances.sum(1) < 1).all()


def test_a_clip_is_judged_alike_alone_and_in_a_batch(judge: ClipJudge) -> None:
    clips = random_clips(18)
    together = judge.actions(clips, clips[:, 0])
    np.testing.assert_allclose(judge.actions(clips[17:], clips[17:, 0]), together[17:], atol=1e-5)


def test_order_of_frames_and_the_first_picture_count(judge: ClipJudge) -> None:
    clips = random_clips(1)
    before = judge.actions(clips, clips[:, 0])
    assert not np.allclose(judge.actions(clips[:, ::-1].copy(), clips[:, 0]), before, atol=1e-4)
    assert not np.allclose(judge.actions(clips, clips[:, 3]), before, atol=1e-4)


def test_no_clips_have_no_chances(judge: ClipJudge) -> None:
    assert judge.actions(random_clips(0), random_clips(0)[:, 0]).shape == (0, len(ACTIONS))


def test_a_picture_and_its_mirror_image_face_opposite_ways(judge: ClipJudge) -> None:
    picture = random_clips(1)[0, 0]
    chance = judge.faces_left(picture)
    assert judge.faces_left(picture[:, ::-1]) == pytest.approx(1 - chance, abs=1e-6)
    assert abs(chance - 0.5) > 1e-4


def test_a_symmetric_picture_faces_neither_way(judge: ClipJudge) -> None:
    picture = random_clips(1)[0, 0]
    picture[:, 32:] = picture[:, 31::-1]
    assert judge.faces_left(picture) == 0.5


@pytest.mark.parametrize("shape", [(16, 64, 64, 4), (8, 32, 32, 4)])
def test_clips_of_another_shape_are_refused(judge: ClipJudge, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="8 frames of 64 px"):
        judge.actions(np.zeros((1, *shape), np.uint8), np.zeros((1, *shape[1:]), np.uint8))


def test_a_picture_of_another_size_is_refused(judge: ClipJudge) -> None:
    with pytest.raises(ValueError, match="64 px"):
        judge.faces_left(np.zeros((32, 32, 4), np.uint8))


def test_written_judge_is_read_back(judge: ClipJudge, tmp_path: Path) -> None:
    write_clip_judge(judge, tmp_path, {"mean_right": 0.5}, clips=7)
    again = ClipJudge.load(tmp_path)
    clips = random_clips(2)
    np.testing.assert_allclose(
        again.actions(clips, clips[:, 0]), judge.actions(clips, clips[:, 0]), atol=5e-3
    )
    assert again.faces_left(clips[0, 0]) == pytest.approx(judge.faces_left(clips[0, 0]), abs=5e-3)
    assert {value.dtype for value in again.state_dict().values()} == {torch.float32}
    assert len(clip_judge_digest(tmp_path)) == 64


def test_altered_weights_are_refused(judge: ClipJudge, tmp_path: Path) -> None:
    write_clip_judge(judge, tmp_path, {}, clips=0)
    data = bytearray((tmp_path / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (tmp_path / WEIGHTS).write_bytes(bytes(data))
    with pytest.raises(WeightsUnavailable, match="not the one this version was released with"):
        ClipJudge.load(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        {"shape": {"widths": [8, 24]}},
        {"files": {}},
        {"shape": {"names": ["idle"], "widths": [8, 16], "features": 12, "facing_widths": [8, 16]}},
    ],
)
def test_a_config_that_does_not_fit_the_weights_is_refused(
    judge: ClipJudge, tmp_path: Path, damage: dict[str, object]
) -> None:
    write_clip_judge(judge, tmp_path, {}, clips=0)
    config = json.loads((tmp_path / CONFIG).read_text())
    (tmp_path / CONFIG).write_text(json.dumps(config | damage))
    with pytest.raises(WeightsUnavailable, match="damaged"):
        ClipJudge.load(tmp_path)


def test_a_folder_without_a_judge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="missing or damaged"):
        ClipJudge.load(tmp_path)
