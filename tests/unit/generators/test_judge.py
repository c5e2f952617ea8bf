import json
from pathlib import Path

import numpy as np
import pytest
import torch

from generators.errors import WeightsUnavailable
from generators.judge import CONFIG, WEIGHTS, Judge, JudgeShape, load_judge, right_shares
from tools.judge.export import write_judge

SMALL = JudgeShape(widths=(8, 16), features=12, text_width=16, text_state=20)


@pytest.fixture
def judge() -> Judge:
    torch.manual_seed(0)
    return Judge(SMALL).eval()


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 32, 32, 4), np.uint8)


@pytest.mark.parametrize("size", [32, 64])
def test_features_are_unit_vectors_that_do_not_depend_on_the_batch(judge: Judge, size: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (70, size, size, 4), np.uint8)
    seen = judge.see(pixels)
    assert seen.shape == (70, 12)
    np.testing.assert_allclose(np.linalg.norm(seen, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(judge.see(pixels[66:67]), seen[66:67], atol=1e-5)


def test_hidden_colours_of_clear_pixels_are_not_seen(judge: Judge, pixels: np.ndarray) -> None:
    pixels[:, :16, :, 3] = 0
    cleaned = pixels.copy()
    cleaned[:, :16] = 0
    np.testing.assert_array_equal(judge.see(pixels), judge.see(cleaned))


def test_padding_after_a_caption_is_not_read(judge: Judge) -> None:
    states = torch.randn(2, 9, 20)
    mask = torch.tensor([[1] * 5 + [0] * 4, [1] * 9])
    other = states.clone()
    other[0, 5:] = 100.0
    np.testing.assert_allclose(judge.read(states, mask), judge.read(other, mask), atol=1e-6)
    other[0, 2] = -3.0
    assert not np.allclose(judge.read(states, mask)[0], judge.read(other, mask)[0])


@pytest.mark.parametrize("shape", [(48, 48), (32, 64)])
def test_other_sizes_are_refused(judge: Judge, shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="32 or 64 px"):
        judge.see(np.zeros((1, *shape, 4), np.uint8))


def test_written_judge_is_read_back(judge: Judge, pixels: np.ndarray, tmp_path: Path) -> None:
    write_judge(judge, tmp_path, {"items": {"top1": 0.5}}, pictures=7)
    again = load_judge(tmp_path)
    assert again.shape == SMALL
    np.testing.assert_allclose(again.see(pixels), judge.see(pixels), atol=5e-3)
    assert json.loads((tmp_path / CONFIG).read_text())["score"] == {"items": {"top1": 0.5}}


@pytest.mark.parametrize("harm", ["altered", "missing", "no config", "not JSON", "a list", "other shape"])
def test_damaged_judge_is_refused(judge: Judge, tmp_path: Path, harm: str) -> None:
    write_judge(judge, tmp_path, {}, pictures=0)
    weights, config = tmp_path / WEIGHTS, tmp_path / CONFIG
    if harm == "altered":
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
    elif harm == "missing":
        weights.unlink()
    elif harm == "no config":
        config.unlink()
    elif harm == "other shape":
        config.write_text(config.read_text().replace('"features": 12', '"features": 13'))
    else:
        config.write_text("[]" if harm == "a list" else "{")
    with pytest.raises(WeightsUnavailable, match="reinstall"):
        load_judge(tmp_path)


def test_chance_to_win_is_the_mean_of_many_draws() -> None:
    draw = np.random.default_rng(0)
    own, others = draw.random(3), draw.random((3, 20))
    rivals = draw.random((3, 20)) < 0.8
    wins = np.zeros(3)
    for _ in range(4000):
        for row in range(3):
            picked = draw.choice(np.flatnonzero(rivals[row]), 4, replace=False)
            wins[row] += (others[row, picked] < own[row]).all()
    np.testing.assert_allclose(right_shares(own, others, rivals, of=5), wins / 4000, atol=0.03)


def test_a_tie_is_not_a_win_and_too_few_rivals_are_refused() -> None:
    rivals = np.ones((1, 3), bool)
    assert right_shares(np.zeros(1), np.zeros((1, 3)), rivals, of=4) == [0.0]
    assert right_shares(np.ones(1), np.zeros((1, 3)), rivals, of=4) == [1.0]
    with pytest.raises(ValueError, match="3 rivals"):
        right_shares(np.ones(1), np.zeros((1, 3)), rivals, of=5)
