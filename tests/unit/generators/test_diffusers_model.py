"""Tiny pipelines of each family, from a folder to the finished PNG, and what is refused on the way."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file

from generators.diffusers_loading import Loading, load_pipeline
from generators.diffusers_model import DiffusersModel
from generators.errors import (
    DrawingFailed,
    InvalidRecipe,
    OutOfMemory,
    PackageMissing,
    WeightsUnavailable,
)
from generators.finishing import read_png
from generators.memory import is_out_of_memory
from generators.model_entry import ModelEntry
from generators.model_files import DigestCache
from generators.picture_generator import PictureGenerator
from generators.progress import Progress
from generators.recipe import Kind
from generators.sprite_generator import SpriteGenerator
from generators.text_encoder import quiet_loading
from tests.unit.generators.tiny_models import FAMILIES, PX, save_tiny

CPU = torch.device("cpu")
DISTILLED = ("turbo", "flux")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny pipeline of that family, saved once."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            with quiet_loading():
                made[family] = save_tiny(family, tmp_path_factory.mktemp("models") / family)
        return made[family]

    return folder


def entry(path: Path, **given: Any) -> ModelEntry:
    guidance = 0.0 if path.name in DISTILLED else 4.0
    fields = {"steps": 2, "guidance": guidance, "size": PX, "licence": "CC0-1.0", "dtype": "fp32"}
    return ModelEntry(id="tiny", path=str(path), **(fields | given))


def generator(own: ModelEntry, **given: Any) -> PictureGenerator:
    return PictureGenerator(SpriteGenerator(), [DiffusersModel(own, CPU, DigestCache(None), **given)])


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_draws_and_draws_the_same_again(folders: Callable[[str], Path], family: str) -> None:
    first, told = generator(entry(folders(family))), []
    recipes = [first.recipe("a red potion", Kind.ITEM, seed, model="tiny", size=16) for seed in (1, 2)]
    pictures = first.draw(recipes, told.append)
    again = generator(entry(folders(family))).draw(recipes[::-1])[::-1]
    assert [picture.media for picture in pictures] == [picture.media for picture in again]
    assert not np.array_equal(pictures[0].pixels, pictures[1].pixels)
    pixels, inside = read_png(pictures[0].media)
    assert pixels.shape == (16, 16, 4)
    assert inside == recipes[0]
    assert (recipes[0].drawn_px, recipes[0].precision) == (PX, "fp32")
    assert [(done.indices, done.step, done.steps) for done in told] == [((0, 1), step, 2) for step in (1, 2)]
    assert all(done.preview().shape[-1] == 4 for done in told)


@pytest.mark.parametrize("family", FAMILIES)
def test_only_guided_families_read_a_negative_prompt(folders: Callable[[str], Path], family: str) -> None:
    own = generator(entry(folders(family)))
    wanted = {"prompt": "a sword", "kind": Kind.ITEM, "seed": 1, "model": "tiny", "size": 16}
    if family in DISTILLED:
        with pytest.raises(InvalidRecipe, match="no negative prompt"):
            own.recipe(**wanted, negative_prompt="blue")
        return
    with_it, without = own.draw([own.recipe(**wanted, negative_prompt="blue"), own.recipe(**wanted)])
    assert not np.array_equal(with_it.pixels, without.pixels)


def test_an_illustration_keeps_its_size_and_its_colours(folders: Callable[[str], Path]) -> None:
    own = generator(entry(folders("turbo"), size=128))
    recipe = own.recipe("a castle", Kind.ILLUSTRATION, 1, model="tiny", size=96)
    (picture,) = own.draw([recipe])
    assert (recipe.drawn_px, recipe.palette, picture.pixels.shape) == (None, None, (96, 96, 4))
    assert read_png(picture.image)[0].shape == (480, 480, 4)


def test_bundled_and_configured_models_are_drawn_in_one_call(folders: Callable[[str], Path]) -> None:
    own, told = generator(entry(folders("turbo"))), list[Progress]()
    recipes = [
        own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16),
        own.recipe("a sword", Kind.ITEM, 1, steps=1),
    ]
    small, bundled = own.draw(recipes, told.append)
    assert (small.pixels.shape[0], bundled.pixels.shape[0]) == (16, 32)
    assert {done.indices for done in told} == {(0,), (1,)}


def test_other_models_weights_and_wishes_are_refused(folders: Callable[[str], Path]) -> None:
    own = generator(entry(folders("turbo")))
    wanted = {"prompt": "a sword", "kind": Kind.ITEM, "seed": 1, "model": "tiny", "size": 16}
    recipe = own.recipe(**wanted)
    for change, words in (
        ({"weights": "0" * 64}, "other weights"),
        ({"model": "gone"}, "not installed; installed are .*tiny"),
    ):
        with pytest.raises(InvalidRecipe, match=words):
            own.draw([recipe.model_copy(update=change)])
    for change, words in (
        ({"model": "gone"}, "not installed; installed are .*tiny"),
        ({"size": 64}, "pixel art of 32 px"),
        ({"source_cid": "any", "strength": 0.5}, "plain words"),
        ({"prompt": "a (red:1.5) sword"}, "plain words"),
        ({"model": None, "kind": Kind.ILLUSTRATION}, "configured are tiny"),
        ({"model": None, "cutout": True}, "leave the cutout out"),
    ):
        with pytest.raises(InvalidRecipe, match=words):
            own.recipe(**(wanted | change))


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


# memory


class SmallMemory:
    """A pipeline on a device that holds ``room`` pictures at a time, or ``room`` only once decoding is tiled."""

    def __init__(self, room: int, needs_tiles: bool = False, error: Exception | None = None) -> None:
        self.room, self.needs_tiles, self.seen = room, needs_tiles, list[tuple[int, bool]]()
        self.error = error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")

    def load(self, loading: Loading) -> StableDiffusionPipeline:
        pipeline = load_pipeline(loading)
        whole, memory = type(pipeline).__call__, self

        class Limited(type(pipeline)):
            def __call__(self, prompt: Sequence[str], *args: Any, **given: Any) -> Any:
                memory.seen.append((len(prompt), loading.tiled))
                if len(prompt) > memory.room or (memory.needs_tiles and not loading.tiled):
                    raise memory.error
                return whole(self, prompt, *args, **given)

        pipeline.__class__ = Limited
        return pipeline


def test_a_batch_that_does_not_fit_is_halved_and_the_next_starts_there(
    folders: Callable[[str], Path],
) -> None:
    memory = SmallMemory(room=2)
    own = generator(entry(folders("turbo")), batch=8, load=memory.load)
    recipes = [own.recipe("a sword", Kind.ITEM, seed, model="tiny", size=16) for seed in range(5)]
    assert len(own.draw(recipes)) == 5
    assert [count for count, _ in memory.seen] == [5, 2, 2, 1]
    own.draw(recipes[:3])
    assert [count for count, _ in memory.seen[4:]] == [2, 1]


@pytest.mark.parametrize(
    "error",
    [
        None,
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        ),
    ],
)
def test_one_that_does_not_fit_alone_is_decoded_in_tiles(
    folders: Callable[[str], Path], error: Exception | None
) -> None:
    memory = SmallMemory(room=1, needs_tiles=True, error=error)
    own = generator(entry(folders("turbo")), batch=1, load=memory.load)
    own.draw([own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)])
    assert memory.seen == [(1, False), (1, True)]


def test_what_fits_nowhere_is_one_clear_error(folders: Callable[[str], Path]) -> None:
    memory = SmallMemory(room=0)
    own = generator(entry(folders("turbo")), batch=4, load=memory.load)
    recipes = [own.recipe("a sword", Kind.ITEM, seed, model="tiny", size=16) for seed in range(4)]
    with pytest.raises(OutOfMemory, match=r"tiny at 64 px on the cpu device.*use a smaller model") as caught:
        own.draw(recipes)
    assert caught.value.__cause__ is None  # a traceback would keep the tensors that filled the memory
    assert [count for count, _ in memory.seen] == [4, 2, 1, 1]


def test_other_errors_are_not_taken_for_a_full_memory() -> None:
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(KeyboardInterrupt())
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"))


def test_an_overflow_in_half_precision_is_told(folders: Callable[[str], Path]) -> None:
    def broken(loading: Loading) -> StableDiffusionPipeline:
        pipeline = load_pipeline(loading)
        torch.nn.init.constant_(pipeline.unet.conv_out.bias, float("nan"))
        return pipeline

    own = generator(entry(folders("turbo")), load=broken)
    with pytest.raises(DrawingFailed, match="overflowed in fp32"):
        own.draw([own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)])


def test_a_picture_that_the_models_safety_checker_withholds_is_an_error(
    folders: Callable[[str], Path],
) -> None:
    own = generator(entry(folders("flagged")))
    with pytest.raises(DrawingFailed, match=r"safety checker of tiny withheld a picture; change the prompt"):
        own.draw([own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)])


def test_an_entry_can_leave_the_safety_checker_out(folders: Callable[[str], Path]) -> None:
    recipes, drawn = [], []
    for path, given in ((folders("checked"), {}), (folders("flagged"), {"safety_checker": False})):
        own = generator(entry(path, **given))
        recipes.append(own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16))
        drawn.append(own.draw(recipes[-1:])[0].pixels)
    assert np.array_equal(*drawn)
    assert drawn[0].any()
    checked = DiffusersModel(entry(folders("flagged")), CPU, DigestCache(None))
    assert recipes[1].weights == checked.digest  # the same model, with and without its checker


def test_a_checker_that_a_folder_does_not_bring_cannot_be_left_out(folders: Callable[[str], Path]) -> None:
    for family in ("stable-diffusion", "xl"):
        own = generator(entry(folders(family), safety_checker=False))
        assert own.draw([own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)])


def test_what_the_listener_raises_passes_through(folders: Callable[[str], Path]) -> None:
    class Stop(ValueError):
        pass

    def stop(_: Progress) -> None:
        raise Stop

    own = generator(entry(folders("turbo")))
    with pytest.raises(Stop):
        own.draw([own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)], stop)


def test_long_prompts_are_counted_by_the_models_own_tokenizer(folders: Callable[[str], Path]) -> None:
    own = generator(entry(folders("turbo")))
    tokens, read = own.token_count("a " * 200, "tiny")
    assert tokens > read == 77
    assert own.token_count("a sword")[1] == 32
