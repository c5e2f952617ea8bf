import csv
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel

from generators.errors import WeightsUnavailable
from generators.models import read_models
from generators.recipe import Quality
from generators.sprite_generator import load_pipeline
from generators.text_encoder import STATE_WIDTH, load_text_encoder, quiet_loading
from tools import bundled_weights, export_sprites, train_sprite_codec, train_sprites, training_run
from tools.sprites.batches import Batches
from tools.sprites.dataset import read_set, write_set
from tools.sprites.picture import Picture, Report
from tools.sprites.text_cache import read_text_cache, write_text_cache
from tools.train_sprites import Plan, Run


def tiny_network() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=16,
        out_channels=16,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn",
        cross_attention_dim=STATE_WIDTH,
        attention_head_dim=2,
    )


def tiny_codec() -> AutoencoderTiny:
    return AutoencoderTiny(
        in_channels=16,
        out_channels=16,
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
        latent_channels=16,
    )


@pytest.fixture
def data(tmp_path: Path, pictures: Callable[..., list[Picture]]) -> Path:
    """A written set of thirty small pictures with its captions embedded."""
    folder = tmp_path / "data"
    folder.mkdir()
    write_set(folder, 32, pictures(6), Report())
    write_text_cache(folder, 32, read_set(folder, 32).captions)
    return folder


@pytest.fixture
def plan(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(train_sprites, "new_network", tiny_network)
    monkeypatch.setattr(train_sprites, "PROMPTS", {32: ("red ring", "door")})
    out = tmp_path / "run"
    out.mkdir()
    return Plan(
        size_px=32,
        data=data,
        out=out,
        codec=None,
        start_from=None,
        minutes=60.0,
        guidance=1.0,
        batch=4,
        learning_rate=1e-3,
        seed=0,
        threads=torch.get_num_threads(),
    )


def batches_of(plan: Plan) -> Batches:
    return Batches(read_set(plan.data, 32), read_text_cache(plan.data, 32), 32, plan.seed)


def test_resumed_run_arrives_where_an_unbroken_one_does(plan: Plan, tmp_path: Path) -> None:
    device, batches = torch.device("cpu"), batches_of(plan)
    unbroken = Run(plan, device)
    expected = [unbroken.train_step(batches)[0] for _ in range(5)]
    broken = Run(plan, device)
    losses = [broken.train_step(batches)[0] for _ in range(2)]
    broken.save()
    resumed = Run(plan, device)
    assert (resumed.step, resumed.examples) == (2, 8)
    losses += [resumed.train_step(batches_of(plan))[0] for _ in range(3)]
    assert losses == expected
    for name in ("network", "average"):
        arrived, wanted = (getattr(run, name).state_dict() for run in (resumed, unbroken))
        assert all(torch.equal(arrived[key], wanted[key]) for key in wanted), name
    started = tiny_network().state_dict()
    assert any(not torch.equal(started[key], unbroken.network.state_dict()[key]) for key in started)


def test_guidance_moves_the_target_by_what_the_caption_changes(plan: Plan) -> None:
    guided, batches = Run(Plan(**{**vars(plan), "guidance": 3.0}), torch.device("cpu")), batches_of(plan)
    noisy, t = torch.randn(2, 16, 16, 16), torch.tensor([0.3, 0.7])
    states, mask = batches.empty(2)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        without = guided.network(noisy, t * 1000, states, encoder_attention_mask=mask).sample.float()
    assert not guided._guiding(without, noisy, t, batches.empty(2)).any()
    moved = guided._guiding(without + 0.3, noisy, t, batches.empty(2))
    torch.testing.assert_close(moved, torch.full_like(moved, 0.2))
    plain = Run(plan, torch.device("cpu"))
    plain.network.load_state_dict(guided.network.state_dict())
    assert plain.train_step(batches)[0] != guided.train_step(batches)[0]


def test_latents_are_made_once_for_a_codec_and_a_set(plan: Plan, tmp_path: Path) -> None:
    pictures, kept = read_set(plan.data, 32), tmp_path / "latents.pt"
    first = train_sprites.encoded(tiny_codec(), pictures, kept)
    again = train_sprites.encoded(tiny_codec(), pictures, kept)  # other weights: only the file gives the same
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], first[1])


def test_saved_average_can_start_another_run(plan: Plan) -> None:
    run = Run(plan, torch.device("cpu"))
    run.train_step(batches_of(plan))
    run.save()
    assert not (plan.out / "state.pt.new").exists()
    second = Plan(**{**vars(plan), "out": plan.out / "second", "start_from": plan.out / "unet"})
    started = Run(second, torch.device("cpu"))
    assert started.step == 0
    for key, value in run.average.state_dict().items():
        assert torch.equal(started.network.state_dict()[key], value.half().float())


def test_learning_rate_warms_up_and_falls_at_the_end(plan: Plan) -> None:
    run = Run(plan, torch.device("cpu"))
    assert run.learning_rate() == pytest.approx(plan.learning_rate / training_run.WARMUP_STEPS)
    run.step = 10_000
    assert run.learning_rate() == plan.learning_rate
    run.seconds = plan.minutes * 60 * (1 - training_run.COOLDOWN_SHARE / 2)
    assert run.learning_rate() == pytest.approx(plan.learning_rate / 2)
    run.seconds = plan.minutes * 60 * 2
    assert run.learning_rate() == pytest.approx(plan.learning_rate / 50)


def test_training_stops_on_a_signal_saved_and_goes_on_from_there(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    step = Run.train_step

    def stopping_step(run: Run, batches: Batches) -> tuple[float, dict[str, list[float]]]:
        told = step(run, batches)
        if run.step in (3, 100):
            os.kill(os.getpid(), signal.SIGTERM)
        return told

    monkeypatch.setattr(Run, "train_step", stopping_step)
    train_sprites.train(plan)
    assert signal.getsignal(signal.SIGTERM) is before
    state = torch.load(plan.out / "state.pt", weights_only=True)
    assert (state["step"], state["pictures"]) == (3, 12)
    assert (plan.out / "sheet-000003.png").stat().st_size > 100
    train_sprites.train(plan)
    assert torch.load(plan.out / "state.pt", weights_only=True)["step"] == 100
    with (plan.out / "log.csv").open() as file:
        (row,) = csv.reader(file)
    assert row[0] == "100"
    assert row[2] == "400"
    assert row[4].startswith("all=")


def test_endless_loss_ends_the_run_with_advice(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "train_step", lambda run, batches: (float("nan"), {}))
    with pytest.raises(SystemExit, match=r"The loss is nan at step 0; lower --learning-rate"):
        train_sprites.train(plan)
    assert not (plan.out / "state.pt").exists()


def test_codec_trains_on_training_pictures_and_is_evaluated_on_the_others(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train_sprite_codec, "new_codec", tiny_codec)
    pictures = read_set(data, 32)
    pictures.held_out[:3] = True
    out = tmp_path / "codec"
    out.mkdir()
    train_sprite_codec.train(pictures, out, minutes=0.01, batch=4, seed=0)
    assert AutoencoderTiny.from_pretrained(out, dtype=torch.float16).dtype == torch.float16
    train_sprite_codec.evaluate(pictures, out, out / "sheet.png")
    held = int(pictures.held_out.sum())
    assert f"held out: {held} pictures, colour error" in capsys.readouterr().out
    assert (out / "sheet.png").stat().st_size > 100


@pytest.fixture
def trained(tmp_path: Path) -> list[str]:
    """Command-line arguments that name a trained network of each size, a codec, and where to export them."""
    with quiet_loading():
        torch.manual_seed(0)
        tiny_network().half().save_pretrained(tmp_path / "unet")
        tiny_codec().half().save_pretrained(tmp_path / "codec")
    parts = {"small": "unet", "fine": "unet", "codec": "codec", "out": "weights/bundle"}
    return [word for name, part in parts.items() for word in (f"--{name}", str(tmp_path / part))]


def test_exported_folders_load_and_draw(
    trained: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["export_sprites", *trained, "--version", "7", "--steps", "2", "3", "12"]
    )
    bundle = tmp_path / "weights" / "bundle"
    (bundle / "sprite-32").mkdir(parents=True)
    (bundle / "sprite-32" / "stale.bin").touch()
    export_sprites.main()
    models = read_models(bundle)
    assert {(model.id, model.size_px) for model in models.values()} == {
        ("lorespark-sprite-32/7", 32),
        ("lorespark-sprite-64/7", 64),
    }
    assert {model.steps_for(Quality.HIGH) for model in models.values()} == {12}
    listed = {model.folder / name for model in models.values() for name, _ in model.files}
    written = {path for path in bundle.rglob("*") if path.is_file()}
    assert written == listed | {bundle / "models.json"}
    assert list((tmp_path / "weights").iterdir()) == [bundle]
    for model in models.values():
        model.check_files()
        with quiet_loading():
            pipeline = load_pipeline(model.folder, load_text_encoder(), "fp32", torch.device("cpu"))
        assert pipeline.size_px == model.size_px
        assert pipeline.config.distilled_guidance == 3.0
        made = pipeline("red ring", num_inference_steps=1, output_type="np")
        assert made.images.shape == (1, model.size_px, model.size_px, 4)
    for path in bundle.rglob("*.json"):
        assert str(tmp_path) not in path.read_text()
        assert isinstance(json.loads(path.read_text()), dict)


@pytest.mark.parametrize(("limit", "bytes_"), [("MAX_FILE_BYTES", 1_000), ("MAX_BUNDLE_BYTES", 2_000)])
def test_oversize_weights_are_refused_and_the_installed_ones_stay(
    trained: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, bytes_: int
) -> None:
    """The limit was once checked only after the old weights had been overwritten."""
    monkeypatch.setattr(sys, "argv", ["export_sprites", *trained])
    monkeypatch.setattr(bundled_weights, limit, bytes_)
    kept = tmp_path / "weights" / "bundle" / "sprite-32" / "kept.json"
    kept.parent.mkdir(parents=True)
    kept.touch()
    with pytest.raises(SystemExit, match=r"The weights are over the limit of .*; train a smaller network"):
        export_sprites.main()
    assert kept.exists()
    with pytest.raises(WeightsUnavailable):
        read_models(tmp_path / "weights" / "bundle")


def test_network_of_the_bundle_takes_the_shapes_that_the_pipeline_gives() -> None:
    network = train_sprites.new_network()
    assert network.config.sample_size == 16
    assert network.config.cross_attention_dim == STATE_WIDTH
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(9.3e6, rel=0.01)
