from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from generators.judge import Judge, JudgeShape, load_judge
from tools import train_judge
from tools.judge.examples import ExampleSet, Vocabulary, varied
from tools.judge.split import reserved, unseen
from tools.sprites.dataset import read_set, write_set
from tools.sprites.picture import Picture, Report
from tools.sprites.text_cache import read_text_cache, write_text_cache
from tools.train_judge import Plan, Run, info_nce

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220), "white": (240, 240, 240)}


def coloured(size: int, kinds: tuple[str, ...], count: int) -> list[Picture]:
    """Squares of a colour that their caption names, each of its own subject."""
    draw = np.random.default_rng(size)
    found = []
    for kind in kinds:
        for n in range(count):
            name = list(COLOURS)[n % len(COLOURS)]
            pixels = np.zeros((size, size, 4), np.uint8)
            top, left = draw.integers(0, size // 3, 2)
            pixels[top : top + size // 2, left : left + size // 2] = (*COLOURS[name], 255)
            pixels[0, 0] = (n, 1, 1, 255)
            found.append(Picture(pixels, (f"{name} {kind}", f"the {name} one {n}"), kind, f"{kind}/{n}"))
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A written set of each size with its captions embedded."""
    folder = tmp_path_factory.mktemp("data")
    for size, kinds in ((32, ("doll", "item", "monster", "tile")), (64, ("unit", "icon"))):
        write_set(folder, size, coloured(size, kinds, 48), Report())
        write_text_cache(folder, size, read_set(folder, size).captions)
    return folder


@pytest.fixture
def plan(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(train_judge, "Judge", lambda: Judge(JudgeShape((8, 16), 16, 32)))
    return Plan(data, tmp_path, None, 0.02, 32, 3e-3, 0.05, seed=0, threads=torch.get_num_threads())


def examples_of(plan: Plan, size: int) -> ExampleSet:
    pictures = read_set(plan.data, size)
    return ExampleSet(pictures, read_text_cache(plan.data, size), size, Vocabulary([pictures]))


def test_trained_judge_is_written_with_its_score_and_resumed(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = replace(plan, export=plan.out / "shipped")
    scored = train_judge.train(plan)
    assert set(scored) == {f"{kind}, 32 px" for kind in ("characters", "monsters", "items", "tiles")} | {
        "characters, 64 px"
    }
    assert all(0 <= row["top1"] <= 1 for row in scored.values())
    judge = load_judge(plan.out / "shipped")
    assert judge.see(np.zeros((1, 32, 32, 4), np.uint8)).shape == (1, 16)
    step = torch.load(plan.out / "state.pt", weights_only=True)["step"]
    assert step > 0
    train_judge.train(plan)
    assert f"resumed at step {step}" in capsys.readouterr().out


def test_steps_teach_the_judge_colours(plan: Plan) -> None:
    examples = examples_of(plan, 32)
    run = Run(plan, len(Vocabulary([read_set(plan.data, 32)])))
    for step in range(60):
        run.train_step(examples.examples(np.random.default_rng(step), 32))
    judge = run.judge.eval()
    text = read_text_cache(plan.data, 32)
    captions = judge.read(*text.batch(np.array([text.index[f"{name} item"] for name in COLOURS])))
    pictures = np.zeros((4, 32, 32, 4), np.uint8)
    for at, colour in enumerate(COLOURS.values()):
        pictures[at, 8:24, 8:24] = (*colour, 255)
    assert (judge.see(pictures) @ captions.T).argmax(1).tolist() == [0, 1, 2, 3]


def test_held_out_and_reserved_subjects_are_never_drawn(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = read_set(plan.data, 32)
    hidden = unseen(pictures)
    assert pictures.held_out.any()
    assert (hidden & ~pictures.held_out).any()
    assert not hidden.all()
    for row in np.flatnonzero(hidden & ~pictures.held_out):
        assert reserved(pictures.subjects[row])
        assert pictures.kinds[row] != "doll"
    drawn: set[bytes] = set()
    monkeypatch.setattr(
        "tools.judge.examples.varied", lambda pixels, draw, wrap: drawn.add(pixels.tobytes()) or pixels
    )
    examples = examples_of(plan, 32)
    for step in range(20):
        examples.examples(np.random.default_rng(step), 32)
    seen = {pictures.pixels[row].tobytes() for row in np.flatnonzero(~hidden)}
    assert drawn <= seen
    assert len(drawn) > 0.8 * len(seen)


def test_captions_that_fit_another_picture_are_no_wrong_answers_there(plan: Plan) -> None:
    batch = examples_of(plan, 32).examples(np.random.default_rng(0), 64)
    same = (batch.states[:, None] == batch.states[None]).flatten(2).all(-1)
    same.fill_diagonal_(False)
    assert same.any()
    assert not (same & batch.allowed).any()
    assert batch.allowed.diagonal().all()


def test_pairs_that_are_not_allowed_do_not_change_the_loss() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 3.0]])
    allowed = torch.ones(3, 3, dtype=torch.bool)
    allowed[0, 1] = False
    other = logits.clone()
    other[0, 1] = 50.0
    assert torch.equal(info_nce(logits, allowed), info_nce(other, allowed))
    assert not torch.equal(info_nce(logits, ~torch.zeros_like(allowed)), info_nce(logits, allowed))


@pytest.mark.parametrize("wrap", [False, True])
def test_varied_picture_keeps_its_size_and_the_one_it_came_from(
    wrap: bool, pictures: Callable[..., list[Picture]]
) -> None:
    before = pictures(1)[0].pixels
    kept = before.copy()
    made = [varied(before, np.random.default_rng(seed), wrap) for seed in range(20)]
    np.testing.assert_array_equal(before, kept)
    assert {one.shape for one in made} == {(32, 32, 4)}
    assert len({one.tobytes() for one in made}) > 15
    assert all(0.5 < (one[..., 3] > 0).mean() <= 1 for one in made)


def test_words_are_weighed_by_how_rare_they_are(plan: Plan) -> None:
    pictures = read_set(plan.data, 32)
    shares = Vocabulary([pictures]).shares([("the red item",), ("nothing known",)])
    assert shares[0].sum() == pytest.approx(1)
    assert shares[1].sum() == 0
    assert (shares[0] > 0).sum() == 3
    common = Vocabulary([pictures]).shares([("the",)])[0] > 0  # every picture has it
    assert shares[0][common].item() == shares[0][shares[0] > 0].min()
