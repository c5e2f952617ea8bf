"""Folders of video models: which are opened, what they are told to lack, and how exactly they are kept."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import AnimateDiffPipeline, DDIMScheduler, DiffusionPipeline

from generators.diffusers_loading import Loading, load_pipeline
from generators.diffusers_model import DiffusersModel
from generators.errors import InvalidRecipe, PackageMissing, WeightsUnavailable
from generators.model_entry import ModelEntry
from generators.model_files import DigestCache
from generators.recipe import Kind
from tests.unit.generators.tiny_models import save_tiny
from tests.unit.generators.tiny_video_drawing import CPU, FRAMES, HEIGHT, WIDTH, drawn, entry, generator, wish

PIPELINES = {
    "ltx": "LTXPipeline",
    "ltx-from-picture": "LTXImageToVideoPipeline",
    "wan": "WanPipeline",
    "wan-from-picture": "WanImageToVideoPipeline",
    "cogvideox": "CogVideoXPipeline",
    "animatediff": "AnimateDiffPipeline",
}

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


# what is refused
def test_models_are_told_apart_by_what_they_draw(folders: Callable[[str], Path], tmp_path: Path) -> None:
    own = generator(entry(folders("wan")))
    with pytest.raises(InvalidRecipe, match="tiny draws clips and no items"):
        own.recipe("a sword", Kind.ITEM, 1, model="tiny")
    still = generator(entry(save_tiny("turbo", tmp_path / "turbo"), size=64, frames=None))
    with pytest.raises(InvalidRecipe, match="tiny draws pictures and no clips"):
        still.recipe("a sword", Kind.CLIP, 1, model="tiny")


def test_a_class_that_the_parts_cannot_draw_with_is_refused(
    folders: Callable[[str], Path], tmp_path: Path
) -> None:
    for family, pipeline in (
        ("wan", "WanImageToVideoPipeline"),
        ("wan-from-picture", "WanPipeline"),
        ("ltx", "CogVideoXPipeline"),
        ("wan", "AnimateDiffPipeline"),
    ):
        own = DiffusersModel(entry(folders(family), pipeline=pipeline), CPU, DigestCache(None))
        with pytest.raises(WeightsUnavailable, match=f"do not draw as a {pipeline}; use"):
            own.is_ready()
    bare = entry(folders("stable-diffusion"), pipeline="AnimateDiffPipeline")
    with pytest.raises(WeightsUnavailable, match="no motion adapter; name one"):
        DiffusersModel(bare, CPU, DigestCache(None)).is_ready()


def test_a_downloaded_video_model_whose_entry_is_silent_is_told_what_to_say(
    folders: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generators.model_folder.model_folder", lambda _: folders("wan"))
    own = generator(ModelEntry(id="tiny", path="some/wan", steps=2, guidance=4, size=64, licence="CC0-1.0"))
    with pytest.raises(WeightsUnavailable, match=r'draws clips; .*: pipeline = "WanPipeline"'):
        own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)


# AnimateDiff's adapter
def test_a_motion_adapter_moves_a_picture_model(folders: Callable[[str], Path], tmp_path: Path) -> None:
    loaded: list[DiffusionPipeline] = []

    def load(loading: Loading) -> DiffusionPipeline:
        loaded.append(load_pipeline(loading))
        return loaded[-1]

    own = entry(folders("stable-diffusion"), motion_adapter=str(folders("motion")))
    recipe, frames = wish(generator(own)), drawn(generator(own, load=load), wish(generator(own)))[0]
    assert frames.shape == (FRAMES, HEIGHT, WIDTH, 4)
    assert isinstance(loaded[0], AnimateDiffPipeline)
    assert isinstance(loaded[0].scheduler, DDIMScheduler)
    assert loaded[0].scheduler.config.beta_schedule == "linear"
    changed = shutil.copytree(folders("motion"), tmp_path / "motion")
    config = changed / "config.json"
    config.write_text(config.read_text() + "\n")
    assert (
        wish(generator(entry(folders("stable-diffusion"), motion_adapter=str(changed)))).weights
        != recipe.weights
    )
    shutil.move(changed / "diffusion_pytorch_model.safetensors", changed / "diffusion_pytorch_model.bin")
    with pytest.raises(WeightsUnavailable, match=r"only as a pickle \(diffusion_pytorch_model.bin\)"):
        wish(generator(entry(folders("stable-diffusion"), motion_adapter=str(changed))))


def test_a_hub_adapter_that_is_not_downloaded_has_a_remedy(
    folders: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    own = generator(entry(folders("stable-diffusion"), motion_adapter="nobody/nothing"))
    assert not own.configured["tiny"].is_ready()
    with pytest.raises(
        WeightsUnavailable, match=r"motion adapter of model tiny \(hub nobody/nothing\) is not"
    ):
        wish(own)


# loading and memory
def test_wans_prompts_need_a_package(folders: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    own = generator(entry(folders("wan")))
    recipe = wish(own)
    monkeypatch.setattr("generators.diffusers_loading.find_spec", lambda _: None)
    with pytest.raises(PackageMissing, match="ftfy; run"):
        own.draw([recipe])


def test_wans_autoencoder_stays_exact_in_half_precision(folders: Callable[[str], Path]) -> None:
    loaded: list[DiffusionPipeline] = []

    def load(loading: Loading) -> DiffusionPipeline:
        loaded.append(load_pipeline(loading))
        return loaded[-1]

    own = generator(entry(folders("wan"), dtype="bf16"), load=load)
    drawn(own, wish(own))
    assert (loaded[0].vae.dtype, loaded[0].transformer.dtype) == (torch.float32, torch.bfloat16)
