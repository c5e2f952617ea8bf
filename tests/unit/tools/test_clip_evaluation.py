import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generators.bundle import WEIGHTS_FOLDER
from generators.clip_judge import ClipJudge
from generators.clip_network import ClipNetwork
from generators.errors import WeightsUnavailable
from generators.judge import Judge, JudgeShape
from generators.motion import ACTIONS
from tools.bench import clips as bench
from tools.clip_evaluation.measures import Measures, measure
from tools.clip_evaluation.motion import Flicker, Motion
from tools.clip_evaluation.report import Report, merge_json, report
from tools.clip_evaluation.sample import (
    ClipDrawer,
    Sample,
    finished,
    hard_outline,
    in_turn,
    network_digest,
    sample_rows,
)
from tools.clip_judge.split import group_of
from tools.clips.dataset import Row
from tools.evaluate_clips import panel


def row(action: str, subject: str, kind: str = "unit", held_out: bool = False) -> Row:
    return Row(tuple(range(8)), (0,), action, "right", ("a unit",), kind, subject, 1, held_out, False)


def picture(seed: int) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 4), np.uint8)
    pixels[..., 3] = 255
    return pixels


def asked(action: str, number: int) -> Sample:
    frames = np.stack([np.roll(picture(number), 2 * k, 1) for k in range(8)])
    return Sample(row(action, f"unit/{number}"), "subject", picture(number), frames)


def measures(taken_for: str, moved: float = 0.4, seam: float | None = 10.0, step: float = 10.0) -> Measures:
    return Measures(
        taken_for=taken_for,
        identity=0.8,
        stranger=0.1,
        spread=0.2,
        motion=Motion(moved, moved, moved, step, seam),
        flicker=Flicker(1.0, 2.0, 1.0),
        drift_px=1.5,
    )


def reported(samples: list[Sample], measured: dict[str, list[Measures]]) -> Report:
    about = {"network": "tiny", "weights": "w", "judges": {}, "steps": 4, "finishing": "hard_outline"}
    return report(samples, measured, **about)


def test_ratios_are_generated_over_real() -> None:
    samples = [asked("idle", n) for n in range(4)]
    made = reported(
        samples,
        {
            "generated": [measures("idle", 0.2, 30.0)] * 3 + [measures("run", 0.2, 30.0)],
            "real": [measures("idle", 0.4)] * 4,
            "still": [measures("still", 0.0, 0.0, 0.0)] * 4,
        },
    )
    values = {name: one.value for name, one in made.ratios.items()}
    assert values == {
        "clip_action_ratio": pytest.approx(0.75),
        "clip_identity_ratio": pytest.approx(1),
        "clip_loop_seam_ratio": pytest.approx(3),
        "clip_motion_ratio": pytest.approx(0.5),
    }
    assert made.ratios["clip_action_ratio"].error == pytest.approx(0.75**0.5 * 0.25**0.5 / 2, rel=0.1)
    assert made.ratios["clip_identity_ratio"].error == pytest.approx(0)
    assert made.taken_for["generated"] == {"idle": {"idle": 3, "run": 1}}
    assert made.actions["idle"]["still"].value == 0


def test_what_never_moves_has_no_loop_seam_figure_and_clips_that_end_count_for_none() -> None:
    samples = [asked("idle", 0), asked("die", 1)]
    made = reported(
        samples,
        {
            "generated": [measures("idle"), measures("die", seam=None)],
            "real": [measures("idle"), measures("die", seam=None)],
            "still": [measures("still", 0, 0.0, 0.0), measures("still", 0, None, 0.0)],
        },
    )
    seams = made.measures["loop seam over step"]
    assert seams["still"].value is None
    assert seams["real"].clips == 1
    assert json.loads(json.dumps(made.to_json(), allow_nan=False))["clip_loop_seam_ratio"] == 1
    rows = dict(made.rows())
    assert rows["loop seam over step"].endswith("still –")
    assert "motion, die" in rows


def test_clips_of_one_subject_are_one_observation() -> None:
    one = [Sample(row("idle", "unit/same"), "pair", picture(0), picture(0)[None])] * 6
    made = reported(one, {side: [measures("idle")] * 6 for side in ("generated", "real", "still")})
    assert made.measures["identity"]["generated"].error is None
    assert made.measures["identity"]["generated"].clips == 6


def test_evaluations_of_the_same_weights_replace_one_another(tmp_path: Path) -> None:
    samples = [asked("idle", 0)]
    sides = {side: [measures("idle")] for side in ("generated", "real", "still")}
    path = tmp_path / "figures.json"
    merge_json(path, [reported(samples, sides)])
    merge_json(path, [reported(samples, sides | {"generated": [measures("run")]})])
    entries = json.loads(path.read_text())["evaluations"]
    assert [entry["clip_action_ratio"] for entry in entries] == [0]


def test_bench_reads_the_figures_of_the_installed_weights_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = tmp_path / "clip-64" / "network"
    network.mkdir(parents=True)
    (network / "model.safetensors").write_bytes(b"weights")
    model = {
        "folder": "clip-64",
        "size_px": 64,
        "steps": {"draft": 4, "standard": 8, "high": 16},
        "guidance": 3.0,
        "draws": "clips",
        "licence": "CC0-1.0",
        "files": {},
    }
    entry = {
        "weights": network_digest(network),
        "steps": 8,
        "clip_action_ratio": 0.9,
        "clip_identity_ratio": 0.8,
        "clip_loop_seam_ratio": 1.2,
        "clip_motion_ratio": 0.5,
    }
    others = [entry | {"weights": "x"}, entry | {"steps": 4}]
    (tmp_path / "figures.json").write_text(json.dumps({"evaluations": [*others, entry]}))
    (tmp_path / "models.json").write_text(json.dumps({"clips/1": model}))
    monkeypatch.setattr(bench, "EVALUATION", tmp_path / "figures.json")
    monkeypatch.setattr(bench, "BUNDLE", tmp_path)
    assert {one.name: one.meets for one in bench.quality()} == {
        "clip_action_ratio": True,
        "clip_identity_ratio": False,
        "clip_loop_seam_ratio": True,
        "clip_motion_ratio": False,
    }
    (network / "model.safetensors").write_bytes(b"others")
    assert list(bench.quality()) == []
    (tmp_path / "models.json").write_text(json.dumps({"clips/1": model | {"draws": "pictures"}}))
    assert list(bench.quality()) == []


def test_real_and_still_clips_are_measured_for_what_they_are() -> None:
    samples = [asked("idle", n) for n in range(3)]
    actions = ClipJudge(widths=(8, 16), features=12, facing_widths=(8, 16)).eval()
    pictures = Judge(JudgeShape((8, 16), 16, 32)).eval()
    still = measure(samples, [one.still for one in samples], actions, pictures)
    real = measure(samples, [one.real for one in samples], actions, pictures)
    for one in still:
        assert one.identity == pytest.approx(1, abs=1e-5)
        assert one.stranger < one.identity
        assert one.spread == pytest.approx(0, abs=1e-3)
        assert one.motion.present == 0
    for one in real:
        assert one.identity < 1
        assert one.motion.present > 0.5
        assert one.taken_for in {*ACTIONS, "still"}


def test_frames_without_a_drawn_pixel_have_no_identity() -> None:
    samples = [asked("idle", 0)]
    empty = np.zeros((8, 64, 64, 4), np.uint8)
    actions = ClipJudge(widths=(8, 16), features=12, facing_widths=(8, 16)).eval()
    assert measure(samples, [empty], actions, Judge(JudgeShape((8, 16), 16, 32)).eval())[0].identity == 0


def test_held_out_sequences_of_every_action_and_kind_come_first() -> None:
    rows = [
        row(action, f"{kind}/{n}", kind, held_out=n % 2 == 0)
        for action in ("idle", "attack")
        for kind in ("unit", "doll")
        for n in range(40)
    ]
    new = [one for one in rows if group_of(one) != "training"]
    held = sum(one.held_out for one in new)
    picked = sample_rows(rows, held)
    assert Counter((one.action, one.kind) for one in picked[:8]) == {
        (action, kind): 2 for action in ("idle", "attack") for kind in ("unit", "doll")
    }
    assert all(one.held_out for one in picked)
    assert sample_rows(rows, held) == picked
    everything = sample_rows(rows, 1000)
    assert {id(one) for one in everything} == {id(one) for one in new}
    assert not everything[-1].held_out


def test_lists_are_taken_in_turn_until_all_are_empty() -> None:
    a, b, c = (row("idle", name) for name in "abc")
    assert list(in_turn([[a, b], [], [c]])) == [a, c, b]


def test_hard_outlines_have_no_half_clear_pixels() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 4), np.uint8)
    made = hard_outline(frames, frames[0], row("idle", "unit/a"))
    assert set(np.unique(made[..., 3])) == {0, 255}
    assert (made[made[..., 3] == 0] == 0).all()
    np.testing.assert_array_equal(made[..., 3] == 255, frames[..., 3] >= 128)


@pytest.mark.parametrize("art_px", [1, 2, 4])
def test_finished_clips_have_the_colours_and_the_grid_of_the_product(art_px: int) -> None:
    small = np.random.default_rng(0).integers(0, 3, (64 // art_px, 64 // art_px))
    reference = np.array([[200, 20, 20, 255], [20, 90, 200, 255], [0, 0, 0, 0]], np.uint8)[small]
    reference = reference.repeat(art_px, 0).repeat(art_px, 1)
    noise = np.random.default_rng(1).integers(-9, 10, (8, 64, 64, 3))
    drawn = np.repeat(reference[None], 8, 0)
    drawn[..., :3] = np.clip(drawn[..., :3] + noise, 0, 255)
    made = finished(drawn, reference, replace(row("idle", "unit/a"), art_px=art_px))
    np.testing.assert_array_equal(made, np.repeat(reference[None], 8, 0))


def test_drawn_clips_are_finished_and_come_again_from_their_seed(tmp_path: Path) -> None:
    network = ClipNetwork(block_out_channels=(16, 16), attention_head_dim=2, norm_num_groups=16)
    network.save_pretrained(tmp_path / "network")
    drawer = ClipDrawer(tmp_path / "network", WEIGHTS_FOLDER / "sprite-64", 1, hard_outline)
    one = asked("idle", 0)
    drawn = drawer.draw(one, seed=3)
    assert drawn.shape == (8, 64, 64, 4)
    assert set(np.unique(drawn[..., 3])) <= {0, 255}
    np.testing.assert_array_equal(drawer.draw(one, seed=3), drawn)
    assert (drawer.draw(one, seed=4) != drawn).any()


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="holds no weights"):
        network_digest(tmp_path)


def test_a_panel_shows_each_action_once_with_its_real_clip_above(tmp_path: Path) -> None:
    samples = [asked("idle", 0), asked("idle", 1), asked("run", 2)]
    panel(samples, [[one.still for one in samples]], tmp_path / "panel.png")
    with Image.open(tmp_path / "panel.png") as sheet:
        assert sheet.size == (9 * 64, 4 * 64)
