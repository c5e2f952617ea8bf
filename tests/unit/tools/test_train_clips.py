from pathlib import Path

import numpy as np
import pytest
import torch

from generators.clip_network import ClipNetwork
from generators.clip_pipeline import ClipPipeline
from generators.models import read_models
from generators.recipe import Quality
from generators.text_encoder import STATE_WIDTH, quiet_loading
from tests.unit.generators.tiny_clips import tiny_codec, tiny_network
from tools import export_clips
from tools.clips.batches import ClipBatches
from tools.clips.dataset import read_set, write_set
from tools.clips.sequence import Sequence
from tools.sprites.picture import Report
from tools.sprites.text_cache import read_text_cache, write_text_cache
from tools.train_clips import ClipRun, Plan, encoded


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    draw = np.random.default_rng(0)
    made = []
    for n in range(24):
        frames = draw.integers(0, 255, (3, 64, 64, 4), np.uint8)
        made.append(Sequence(frames, frames[:1], "float", None, (f"thing {n}",), "item", f"thing {n}", 2))
    write_set(folder, made, Report())
    write_text_cache(folder, 64, [each.captions for each in made])
    return folder


@pytest.fixture
def plan(data: Path, tmp_path: Path) -> Plan:
    out = tmp_path / "run"
    out.mkdir()
    return Plan(data, out, tmp_path, None, 60.0, 16, 1e-3, 0, torch.get_num_threads())


def batches_of(plan: Plan) -> ClipBatches:
    made = read_set(plan.data)
    latents, moved = encoded(tiny_codec(), made, plan.data)
    assert latents.shape == (len(made.pixels), 16, 16, 16)
    assert moved.shape == (24, 16, 16, 16, 16)
    return ClipBatches(made, latents, moved, read_text_cache(plan.data, 64), plan.seed, {"item": 1.0})


def network() -> ClipNetwork:
    return tiny_network(STATE_WIDTH, 16)


def test_resumed_run_arrives_where_an_unbroken_one_does(plan: Plan) -> None:
    device, batches = torch.device("cpu"), batches_of(plan)
    unbroken = ClipRun(plan, device, network())
    expected = [unbroken.train_step(batches)[0] for _ in range(4)]
    broken = ClipRun(plan, device, network())
    losses = [broken.train_step(batches)[0] for _ in range(2)]
    broken.save()
    resumed = ClipRun(plan, device, network())
    assert resumed.step == 2
    losses += [resumed.train_step(batches_of(plan))[0] for _ in range(2)]
    assert losses == expected
    for name in ("network", "average"):
        arrived, wanted = (getattr(run, name).state_dict() for run in (resumed, unbroken))
        assert all(torch.equal(arrived[key], wanted[key]) for key in wanted), name


def test_every_part_of_the_network_learns(plan: Plan) -> None:
    batches = batches_of(plan)
    run = ClipRun(plan, torch.device("cpu"), network())
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    for _ in range(3):
        run.train_step(batches)
    still = [name for name, value in run.network.state_dict().items() if torch.equal(value, before[name])]
    assert not still


def test_exported_network_is_in_the_manifest_beside_the_others_and_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, codec, out = tmp_path / "network", tmp_path / "vae", tmp_path / "weights"
    out.mkdir()
    (out / "models.json").write_text(
        '{"other/1": {"folder": "other", "size_px": 32, "steps": {"draft": 1, "standard": 2, "high": 3}, '
        '"guidance": 1.0, "licence": "CC0-1.0", "files": {}}, "lorespark-clip-64/0": {"folder": "clip-64"}}'
    )
    with quiet_loading():
        network().save_pretrained(trained)
        tiny_codec().save_pretrained(codec)
        monkeypatch.setattr(
            "sys.argv", ["export", "--network", str(trained), "--codec", str(codec), "--out", str(out)]
        )
        export_clips.main()
        models = read_models(out)
        assert sorted(models) == ["lorespark-clip-64/1", "other/1"]
        model = models["lorespark-clip-64/1"]
        model.check_files()
        assert (model.draws, model.size_px, model.steps_for(Quality.DRAFT)) == ("clips", 64, 2)
        again = ClipPipeline.from_pretrained(model.folder, local_files_only=True, use_safetensors=True)
    assert again.size_px == 64
    assert "/" not in (model.folder / "network" / "config.json").read_text()
