"""Tiny video pipelines of each family, from a recipe to the finished frames, and what is refused on the way."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AnimateDiffPipeline, AutoencoderKLLTXVideo, DDIMScheduler, DiffusionPipeline

from generators import video_family
from generators.diffusers_loading import Loading, load_pipeline
from generators.diffusers_model import DiffusersModel
from generators.errors import InvalidRecipe, OutOfMemory, PackageMissing, WeightsUnavailable
from generators.model_entry import ModelEntry
from generators.model_files import DigestCache
from generators.picture_generator import PictureGenerator
from generators.png import encode_png
from generators.progress import Progress
from generators.recipe import Kind, Recipe
from generators.sprite_generator import SpriteGenerator
from tests.unit.generators.tiny_models import save_tiny
from tests.unit.generators.tiny_video_models import VIDEO_FAMILIES, save_motion_adapter, save_tiny_video

CPU = torch.device("cpu")
WIDTH, HEIGHT, FRAMES = 96, 64, 9
PIPELINES = {
    "ltx": "LTXPipeline",
    "ltx-from-picture": "LTXImageToVideoPipeline",
    "wan": "WanPipeline",
    "wan-from-picture": "WanImageToVideoPipeline",
    "cogvideox": "CogVideoXPipeline",
    "animatediff": "AnimateDiffPipeline",
}
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny pipeline of that family, or of a motion adapter, saved once."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            new = tmp_path_factory.mktemp("models") / family
            made[family] = save_motion_adapter(new) if family == "motion" else save_tiny_video(family, new)
        return made[family]

    return folder


def entry(path: Path, **given: Any) -> ModelEntry:
    fields = {"steps": 2, "guidance": 4.0, "frames": FRAMES, "licence": "CC0-1.0", "dtype": "fp32"}
    size = {} if "size" in given else {"width": WIDTH, "height": HEIGHT}
    return ModelEntry(id="tiny", path=str(path), **(fields | size | given))


def generator(own: ModelEntry, **given: Any) -> PictureGenerator:
    return PictureGenerator(SpriteGenerator(), [DiffusersModel(own, CPU, DigestCache(None), **given)])


def source(cid: str) -> bytes:
    """A wide box on a clear square, in a colour that its CID says."""
    size, colour = (int(part, 16) for part in cid.split("-"))
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[size * 2 // 5 : size * 3 // 5, size // 8 : size * 7 // 8] = (colour, 64, 255 - colour, 255)
    return encode_png(pixels, 1, {})


def wish(own: PictureGenerator, seed: int = 1, **fields: Any) -> Recipe:
    model = own.configured["tiny"].entry
    if model.video is not None and model.video.from_picture:
        fields = {"source_cid": f"{fields.get('size') or model.size:x}-c8"} | fields
    return own.recipe("a red potion", Kind.CLIP, seed, model="tiny", **fields)


def drawn(own: PictureGenerator, *recipes: Recipe, told: list[Progress] | None = None) -> list[np.ndarray]:
    listener = None if told is None else told.append
    return [clip.animation.frames for clip in own.draw(recipes, listener, source)]


def test_every_family_that_is_known_is_drawn_here() -> None:
    assert set(PIPELINES.values()) == set(video_family.VIDEO_FAMILIES)
    assert set(PIPELINES) == set(VIDEO_FAMILIES)


@pytest.mark.parametrize("family", VIDEO_FAMILIES)
def test_every_family_draws_and_draws_the_same_again(folders: Callable[[str], Path], family: str) -> None:
    first, told = generator(entry(folders(family))), list[Progress]()
    recipes = [wish(first, seed) for seed in (1, 2)]
    clips = drawn(first, *recipes, told=told)
    again = drawn(generator(entry(folders(family))), *recipes[::-1])[::-1]
    assert all(np.array_equal(one, other) for one, other in zip(clips, again, strict=True))
    assert not np.array_equal(*clips)
    assert [(clip.shape, clip.dtype) for clip in clips] == [((FRAMES, HEIGHT, WIDTH, 4), np.uint8)] * 2
    assert (clips[0][..., 3] == 255).all()
    assert not np.array_equal(clips[0][0], clips[0][-1])
    assert [(done.step, done.steps) for done in told] == [(1, 2), (2, 2)]
    shape = told[0].preview().shape
    assert shape[0] == 2
    assert shape[3] == 4
    assert (
        shape[1] * WIDTH == shape[2] * HEIGHT
    )  # the picture's own proportions: nothing was unpacked the wrong way


@pytest.mark.parametrize("family", VIDEO_FAMILIES)
def test_a_recipe_says_all_that_the_clip_depends_on(folders: Callable[[str], Path], family: str) -> None:
    own = generator(entry(folders(family), frames=17, fps=12.5))
    recipe = wish(own)
    assert (recipe.frames, recipe.frame_ms, recipe.size) == (17, 80, WIDTH)
    assert (recipe.drawn_shape, recipe.drawn_px, recipe.palette) == ((WIDTH, HEIGHT), None, None)
    assert Recipe.from_dict(json.loads(recipe.canonical())) == recipe
    assert wish(own, frames=9, frame_ms=100).frame_ms == 100
    (clip,) = own.draw([wish(own, frames=9, frame_ms=100)], pictures=source)
    assert (len(clip.animation.frames), clip.animation.frame_ms) == (9, 100)


@pytest.mark.parametrize("family", VIDEO_FAMILIES)
def test_a_negative_prompt_is_read_with_guidance_alone(folders: Callable[[str], Path], family: str) -> None:
    own = generator(entry(folders(family)))
    with_it, without = drawn(own, wish(own, negative_prompt="blue " * 20), wish(own))
    assert not np.array_equal(with_it, without)
    with pytest.raises(InvalidRecipe, match="no negative prompt at guidance 1"):
        wish(own, negative_prompt="blue", guidance=1.0)


@pytest.mark.parametrize(
    ("family", "given"),
    [
        ("ltx-from-picture", {}),
        ("wan-from-picture", {}),
        ("ltx", {"pipeline": "LTXImageToVideoPipeline"}),
        ("ltx-conditioned", {"pipeline": "LTXImageToVideoPipeline"}),
        ("wan-from-both", {"pipeline": "WanImageToVideoPipeline"}),
    ],
)
def test_the_picture_decides_where_a_clip_starts_from_one(
    folders: Callable[[str], Path], family: str, given: dict[str, str]
) -> None:
    own = generator(entry(folders(family), **given))
    recipes = [wish(own, source_cid=f"{WIDTH:x}-{colour}") for colour in ("c8", "10")]
    assert recipes[0].strength == 1
    red, blue = drawn(own, *recipes)
    assert not np.array_equal(red, blue)


def test_one_folder_draws_from_words_and_from_a_picture(folders: Callable[[str], Path]) -> None:
    words = wish(generator(entry(folders("ltx"))))
    picture = wish(generator(entry(folders("ltx"), pipeline="LTXImageToVideoPipeline")))
    assert words.weights != picture.weights  # who has the files still has to name the class that drew
    assert wish(generator(entry(folders("ltx"), pipeline="LTXPipeline"))).weights == words.weights


def test_decoders_that_draw_too_and_models_for_both_draw_from_words(folders: Callable[[str], Path]) -> None:
    for family in ("ltx-conditioned", "wan-from-both"):
        own = generator(entry(folders(family)))
        assert np.array_equal(*(drawn(own, wish(own))[0] for _ in range(2)))


# size


def test_pixel_art_is_made_of_the_square_in_the_middle(folders: Callable[[str], Path]) -> None:
    own = generator(entry(folders("animatediff")))
    recipe = wish(own, size=32)
    assert (recipe.size, recipe.drawn_px, recipe.drawn_size) == (32, HEIGHT, (WIDTH, HEIGHT))
    (frames,) = drawn(own, recipe)
    assert frames.shape == (FRAMES, 32, 32, 4)
    assert len(np.unique(frames.reshape(-1, 4), axis=0)) <= 32
    few = drawn(own, wish(own, size=32, palette=("#102030", "#f0e0d0")))[0]
    assert {tuple(colour) for colour in np.unique(few.reshape(-1, 4), axis=0)} <= {
        (16, 32, 48, 255),
        (240, 224, 208, 255),
    }


def test_a_square_model_says_nothing_of_a_shape(folders: Callable[[str], Path]) -> None:
    own = generator(entry(folders("animatediff"), size=64))
    recipe = wish(own)
    assert (recipe.size, recipe.drawn_shape, recipe.drawn_size) == (64, None, (64, 64))
    assert drawn(own, recipe)[0].shape == (FRAMES, 64, 64, 4)


@pytest.mark.parametrize("size", [33, 64, 95, 97])
def test_a_size_between_is_refused(folders: Callable[[str], Path], size: int) -> None:
    with pytest.raises(InvalidRecipe, match=rf"96 x 64 px, which makes .* art of 32 px or less, not {size}"):
        wish(generator(entry(folders("animatediff"))), size=size)


# frames


@pytest.mark.parametrize(
    ("family", "frames", "nearest"),
    [
        ("ltx", 16, 17),
        ("ltx", 12, 9),
        ("ltx", 10_000, 257),
        ("wan", 0, 1),
        ("wan", 14, 13),
        ("cogvideox", 81, 49),
        ("cogvideox", 12, 9),
        ("animatediff", 25, 24),  # the adapter was made for 24, though the family knows 32
    ],
)
def test_a_number_of_frames_that_does_not_fit_gets_the_nearest(
    folders: Callable[[str], Path], family: str, frames: int, nearest: int
) -> None:
    own = generator(entry(folders(family)))
    with pytest.raises(InvalidRecipe, match=rf"and not {frames:,d}; ask for {nearest}\.$"):
        wish(own, frames=frames)
    assert wish(own, frames=nearest).frames == nearest


def test_wans_larger_autoencoder_needs_larger_steps(folders: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders("wan"), tmp_path / "wan")
    config = folder / "vae" / "config.json"
    config.write_text(config.read_text().replace('"scale_factor_spatial": 8', '"scale_factor_spatial": 16'))
    wish(generator(entry(folder)))
    with pytest.raises(InvalidRecipe, match=r"tiny has 80 x 48 px, .* steps of 32 px; use 64 x 64"):
        wish(generator(entry(folder, width=80, height=48)))


# what is refused


def test_models_are_told_apart_by_what_they_draw(folders: Callable[[str], Path], tmp_path: Path) -> None:
    own = generator(entry(folders("wan")))
    with pytest.raises(InvalidRecipe, match="tiny draws clips and no items"):
        own.recipe("a sword", Kind.ITEM, 1, model="tiny")
    still = generator(entry(save_tiny("turbo", tmp_path / "turbo"), size=64, frames=None))
    with pytest.raises(InvalidRecipe, match="tiny draws pictures and no clips"):
        still.recipe("a sword", Kind.CLIP, 1, model="tiny")


@pytest.mark.parametrize(
    ("family", "fields", "words"),
    [
        ("wan", {"action": "walk"}, "no actions or directions; .* in the prompt"),
        ("wan", {"direction": "left"}, "no actions or directions"),
        ("wan", {"seamless": True}, "plain words"),
        ("wan", {"source_cid": "60-c8"}, r"from words alone \(WanPipeline\); leave the picture out"),
        ("wan-from-picture", {"source_cid": None}, "starts from a picture .* give the picture"),
        ("wan-from-picture", {"strength": 0.5}, "first frame; leave the strength out"),
        ("wan", {"frame_ms": 15}, "multiple of 10"),
    ],
)
def test_wishes_that_video_models_cannot_fulfil_are_refused(
    folders: Callable[[str], Path], family: str, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidRecipe, match=words):
        wish(generator(entry(folders(family))), **fields)


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


@pytest.mark.parametrize(
    # Larger and longer than what each decodes in one piece: LTX also parts the frames.
    ("family", "width", "frames"),
    [("ltx", 544, 25), ("wan", 272, 5), ("cogvideox", 368, 9), ("animatediff", 80, 2)],
)
def test_tiling_reaches_every_autoencoder(
    folders: Callable[[str], Path], family: str, width: int, frames: int
) -> None:
    loaded: list[DiffusionPipeline] = []

    def load(loading: Loading) -> DiffusionPipeline:
        loaded.append(load_pipeline(loading))
        return loaded[-1]

    clips = []
    for tiling in (False, True):
        own = generator(entry(folders(family), tiling=tiling, width=width), load=load)
        clips.append(drawn(own, wish(own, frames=frames, steps=1))[0])
    assert clips[1].shape == (frames, HEIGHT, width, 4)
    assert not np.array_equal(*clips)  # tiles were joined: a shade's difference where they meet
    whole, tiled = (pipeline.vae for pipeline in loaded)
    assert (whole.use_tiling, tiled.use_tiling, tiled.use_slicing) == (False, True, True)
    assert not isinstance(tiled, AutoencoderKLLTXVideo) or tiled.use_framewise_decoding


def test_a_clip_that_does_not_fit_is_decoded_in_tiles_and_then_refused(
    folders: Callable[[str], Path],
) -> None:
    seen: list[bool] = []

    def full(loading: Loading) -> DiffusionPipeline:
        seen.append(loading.tiled)
        pipeline = load_pipeline(loading)

        class Full(type(pipeline)):
            def __call__(self, *args: Any, **given: Any) -> Any:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")

        pipeline.__class__ = Full
        return pipeline

    own = generator(entry(folders("ltx")), batch=8, load=full)
    with pytest.raises(OutOfMemory, match="tiny at 96 x 64 px and 9 frames on the cpu device"):
        own.draw([wish(own), wish(own, 2)])
    assert seen == [False, True]
