"""Files of configured models: LoRA, what is damaged, foreign or changed, and digests."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file

from generators.diffusers_model import DiffusersModel
from generators.errors import (
    PackageMissing,
    WeightsUnavailable,
)
from generators.model_files import DigestCache
from generators.recipe import Kind
from generators.text_encoder import quiet_loading
from tests.unit.generators.tiny_drawing import CPU, entry, generator

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_lora_files_change_the_picture_and_the_digest(folders: Callable[[str], Path], tmp_path: Path) -> None:
    with quiet_loading():
        pipeline = StableDiffusionPipeline.from_pretrained(folders("turbo"), local_files_only=True)
    pipeline.unet.add_adapter(LoraConfig(r=2, target_modules=["to_k", "to_v"], init_lora_weights=False))
    weights = get_peft_model_state_dict(pipeline.unet)
    save_file({f"unet.{name}": value for name, value in weights.items()}, tmp_path / "pixel.safetensors")

    def drawn(loras: tuple[dict[str, Any], ...]) -> tuple[str, np.ndarray]:
        own = generator(entry(folders("turbo"), loras=loras, folder=tmp_path))
        recipe = own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)
        return recipe.weights, own.draw([recipe])[0].pixels

    lora = {"path": "pixel.safetensors", "weight": 4.0}
    plain, applied, weaker = drawn(()), drawn((lora,)), drawn((lora | {"weight": 0.0},))
    assert len({plain[0], applied[0], weaker[0]}) == 3
    assert not np.array_equal(plain[1], applied[1])
    assert np.array_equal(plain[1], weaker[1])


def test_unusable_lora_files_are_refused(folders: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"pickle")
    (tmp_path / "damaged.safetensors").write_bytes(b"not safetensors")
    save_file({"other.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    for name, words in (
        ("a.pt", "pickles are never opened"),
        ("gone.safetensors", "is not there"),
        ("damaged.safetensors", "cannot be applied"),
        ("other.safetensors", "cannot be applied|holds nothing"),
    ):
        own = generator(entry(folders("turbo"), loras=({"path": name},), folder=tmp_path))
        with pytest.raises(WeightsUnavailable, match=words):
            own.draw([own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)])


def test_a_lora_without_peft_names_the_package(
    folders: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file({"other.weight": torch.zeros(2)}, tmp_path / "a.safetensors")
    monkeypatch.setattr("generators.diffusers_loading.find_spec", lambda _: None)
    own = generator(entry(folders("turbo"), loras=({"path": "a.safetensors"},), folder=tmp_path))
    with pytest.raises(PackageMissing, match="peft; run"):
        own.draw([own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)])


@pytest.mark.parametrize("suffix", [".bin", ".pt", ".ckpt"])
def test_pickled_weights_are_refused_unopened(
    folders: Callable[[str], Path], tmp_path: Path, suffix: str
) -> None:
    folder = shutil.copytree(folders("turbo"), tmp_path / "turbo")
    safe = folder / "unet" / "diffusion_pytorch_model.safetensors"
    pickled = safe.with_suffix(suffix)
    pickled.write_bytes(b"would run code")
    generator(entry(folder)).recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)  # safetensors beside it
    safe.unlink()
    with pytest.raises(
        WeightsUnavailable, match=r"part unet .* only as a pickle .* use the model's safetensors"
    ):
        generator(entry(folder)).recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"StableDiffusionPipeline"', '["pipeline", "Mine"]', "own pipeline code, which is never run"),
        ('"diffusers",\n    "UNet2DConditionModel"', '"my_unet",\n    "Unet"', "wants its own code"),
        ('"StableDiffusionPipeline"', '"AudioLDM2Pipeline"', "does not know as text to image"),
        ('"StableDiffusionPipeline"', '"StableDiffusionImg2ImgPipeline"', "does not know as text to image"),
        ("{", "[", "cannot be read"),
    ],
)
def test_foreign_code_and_other_pipelines_are_refused(
    folders: Callable[[str], Path], tmp_path: Path, old: str, new: str, words: str
) -> None:
    folder = shutil.copytree(folders("turbo"), tmp_path / "turbo")
    index = folder / "model_index.json"
    text = index.read_text(encoding="utf-8")
    assert old in text
    index.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(WeightsUnavailable, match=words):
        DiffusersModel(entry(folder), CPU, DigestCache(None)).is_ready()


def test_damaged_and_missing_files_are_named(folders: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders("turbo"), tmp_path / "turbo")
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    own = generator(entry(folder))
    recipe = own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)
    with pytest.raises(WeightsUnavailable, match="cannot be loaded"):
        own.draw([recipe])
    shutil.rmtree(folder / "vae")
    with pytest.raises(WeightsUnavailable, match=r"part vae .* is missing"):
        generator(entry(folder)).draw([recipe])


def test_a_hub_model_that_is_not_downloaded_has_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    own = generator(entry(Path("nobody/nothing")))
    assert not own.configured["tiny"].is_ready()
    with pytest.raises(WeightsUnavailable, match=r"HF_HUB_OFFLINE|does not answer"):
        own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)


def test_a_changed_file_changes_the_digest_and_a_known_one_is_not_read_again(
    folders: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(folders("turbo"), tmp_path / "turbo")
    store = tmp_path / "digests.json"
    first = DiffusersModel(entry(folder), CPU, DigestCache(store)).digest
    known = store.read_bytes()
    assert DiffusersModel(entry(folder), CPU, DigestCache(store)).digest == first
    assert store.read_bytes() == known
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert DiffusersModel(entry(folder), CPU, DigestCache(store)).digest != first
    store.write_text("[damaged", encoding="utf-8")
    assert len(DiffusersModel(entry(folder), CPU, DigestCache(store)).digest) == 64
