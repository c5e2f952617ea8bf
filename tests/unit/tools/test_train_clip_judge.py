from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny

from generators.bundle import WEIGHTS_FOLDER
from generators.clip_judge import ClipJudge
from generators.motion import ACTIONS, Direction
from tools import train_clip_judge
from tools.clip_judge.examples import ExampleSet, played, varied
from tools.clip_judge.split import group_of, root, unseen
from tools.clips.dataset import Row, read_set, write_set
from tools.clips.sequence import Sequence
from tools.sprites.picture import Report
from tools.train_clip_judge import ClipJudgeRun, Plan
from tools.train_clips import encoded

SPRITES = WEIGHTS_FOLDER / "sprite-64"
RED = (200, 20, 20, 255)


def figure(right: int, colour: tuple[int, int, int, int] = RED) -> np.ndarray:
    """A body with a long arm on its right, moved."""
    canvas = np.zeros((64, 64, 4), np.uint8)
    canvas[24:60, 24 + right : 36 + right] = colour
    canvas[30:34, 36 + right : 52 + right] = colour
    return canvas


def sequences(subjects: int) -> Iterator[Sequence]:
    """Units that lunge to attack and are thrown back when hurt, and liquid tiles."""
    for n in range(subjects):
        colour = (20 + 3 * n % 200, 200 - 5 * n % 180, 40, 255)
        resting = figure(0, colour)[None]
        for action, way in (("attack", 1), ("hurt", -1)):
            frames = np.stack([figure(way * min(k, 15 - k), colour) for k in range(16)])
            captions = (f"a unit, {ACTIONS[action].words}",)
            yield Sequence(frames, resting, action, Direction.RIGHT, captions, "unit", f"unit/{n}", 1)
        if n % 8 == 0:
            waves = np.random.default_rng(n).integers(0, 256, (64, 64, 4), np.uint8)
            waves[..., 3] = 255
            moving = np.stack([np.roll(waves, 4 * k, 0) for k in range(16)])
            for hue in range(2):
                yield Sequence(moving, moving[:1], "water", None, ("water",), "tile", f"sea/{n}/{hue}", 2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    write_set(folder, sequences(64), Report())
    return folder


@pytest.fixture
def plan(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(train_clip_judge, "ClipJudge", small)
    return Plan(data, tmp_path, SPRITES, None, 0.02, 4, 3e-3, seed=0, threads=torch.get_num_threads())


def small() -> ClipJudge:
    return ClipJudge(widths=(8, 16), features=12, facing_widths=(8, 16))


@pytest.fixture(scope="module")
def examples(data: Path) -> ExampleSet:
    made = read_set(data)
    vae = AutoencoderTiny.from_pretrained(SPRITES / "vae")
    return ExampleSet(made, encoded(vae, made, data)[0], vae, seed=0)


def test_trained_judge_is_written_with_its_score_and_resumed(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = replace(plan, export=plan.out / "shipped")
    scored = train_clip_judge.train(plan)
    assert set(scored["actions"]) <= {"attack", "hurt", "water"}
    assert sum(one["clips"] for one in scored["actions"].values()) == len(unseen(read_set(plan.data).rows))
    assert scored["actions"]["attack"]["chance"] == 0.5
    assert scored["actions"]["water"]["chance"] == 1
    judge = ClipJudge.load(plan.out / "shipped")
    assert judge.actions(*clip_and_reference()).shape == (1, len(ACTIONS))
    step = torch.load(plan.out / "state.pt", weights_only=True)["step"]
    assert step > 0
    train_clip_judge.train(plan)
    assert f"resumed at step {step}" in capsys.readouterr().out


def clip_and_reference() -> tuple[np.ndarray, np.ndarray]:
    frames = np.stack([figure(k) for k in range(8)])
    return frames[None], frames[:1]


def test_steps_teach_the_judge_to_tell_a_lunge_from_a_recoil(plan: Plan, examples: ExampleSet) -> None:
    run = ClipJudgeRun(replace(plan, minutes=60, learning_rate=1e-2), small())
    losses = [run.train_step(examples)[1] for _ in range(50)]
    for term in ("action", "facing"):
        first, last = (np.mean([step[term] for step in part]) for part in (losses[:10], losses[-10:]))
        assert last < 0.8 * first


def test_a_batch_is_drawn_again_from_its_step(examples: ExampleSet) -> None:
    one, again, other = (examples.examples(step, 4, 4) for step in (3, 3, 4))
    torch.testing.assert_close(one.clips, again.clips)
    assert torch.equal(one.actions, again.actions)
    assert not torch.equal(one.clips, other.clips)
    assert one.clips.shape == (4, 8, 4, 64, 64)
    assert one.clips.min() >= -1
    assert one.clips.max() <= 1


def test_sequences_new_to_the_judge_are_never_drawn(examples: ExampleSet, data: Path) -> None:
    rows = read_set(data).rows
    groups = Counter(group_of(row) for row in rows)
    assert set(groups) == {"training", "subject", "pair", "reserved"}
    assert groups["training"] > 0.7 * len(rows)
    assert {id(row) for row in unseen(rows)}.isdisjoint({id(row) for row in examples.rows})
    assert all(group_of(row) == "training" for row in examples.rows)


def test_recolourings_of_one_tile_are_reserved_together(data: Path) -> None:
    tiles = [row for row in read_set(data).rows if row.kind == "tile"]
    assert len({root(row) for row in tiles}) == len(tiles) / 2
    units = [row for row in read_set(data).rows if row.kind == "unit"]
    assert {root(row) for row in units} == {row.subject for row in units}


def row_of(action: str, frames: int) -> Row:
    return Row(tuple(range(frames)), (0,), action, "right", ("a",), "unit", "unit/a", 1, False, False)


@pytest.mark.parametrize("frames", [3, 8, 16, 40])
def test_played_frames_keep_their_order_and_reach_the_end(frames: int) -> None:
    for seed in range(20):
        at = played(row_of("die", frames), np.random.default_rng(seed))
        assert (np.diff(at) >= 0).all()
        assert at[0] == 0
        assert at[-1] >= frames - 1 - 0.5 * frames / 7
        around = played(row_of("idle", frames), np.random.default_rng(seed))
        assert ((around >= 0) & (around < frames)).all()
        assert (np.diff(around) < 0).sum() <= 1  # a loop goes over its end once at most


def test_varied_pictures_change_alike_and_stay_premultiplied() -> None:
    both = torch.from_numpy(np.stack([figure(0)] * 2)).permute(0, 3, 1, 2).float() / 127.5 - 1
    variants = [varied(both, np.random.default_rng(seed), False, False) for seed in range(10)]
    for made in variants:
        assert torch.equal(made[0, 3], made[1, 3])
        assert (made[:, :3] <= made[:, 3:]).all()
        assert made.min() >= -1
    assert len({made.numpy().tobytes() for made in variants}) == 10
    mirrored = varied(both, np.random.default_rng(0), False, True)
    straight = varied(both, np.random.default_rng(0), False, False)
    reach = [(one[0, 3] > 0).any(0).nonzero().float().mean() for one in (mirrored, straight)]
    assert reach[0] < reach[1] - 8  # the arm points the other way
