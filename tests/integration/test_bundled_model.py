"""The weights that the package ships, through the generator; no test looks for particular pixels."""

import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from generators.bundle import WEIGHTS_FOLDER
from generators.clip_judge import CLIP_JUDGE_FOLDER
from generators.drawer import SharedDrawer
from generators.errors import InvalidRecipe, WeightsUnavailable
from generators.finishing import read_png
from generators.judge import CONFIG, JUDGE_FOLDER
from generators.models import MANIFEST, read_models
from generators.novelty import NOVELTY_FOLDER
from generators.palette import rgb_values
from generators.progress import MAX_BATCH, Progress
from generators.recipe import DEFAULT_COLOURS, MAX_SEED, Kind, Recipe
from generators.sprite_generator import SpriteGenerator

MAX_BUNDLE_BYTES, MAX_FILE_BYTES = 96_000_000, 50_000_000
STEPS = 6  # enough for every part to run, few enough for two cores
PROMPTS = "red potion bottle,golden ring,magic sword,orc warrior,fire dragon,oak tree,knight,wizard".split(
    ","
)
FILES = sorted(path for path in WEIGHTS_FOLDER.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def generator() -> SpriteGenerator:
    return SpriteGenerator()


@pytest.fixture(scope="module")
def other_precision(generator: SpriteGenerator) -> SpriteGenerator:
    return SpriteGenerator(precision="fp32" if generator.precision == "bf16" else "bf16")


@pytest.fixture
def threads() -> Iterator[None]:
    """Gives torch its number of threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def recipes(generator: SpriteGenerator, size: int, count: int) -> list[Recipe]:
    return [
        generator.recipe(PROMPTS[n % len(PROMPTS)], Kind.ITEM, seed=100 + n, size=size, steps=STEPS)
        for n in range(count)
    ]


def differing_share(first: np.ndarray, second: np.ndarray) -> float:
    return float((first != second).any(-1).mean())


@pytest.mark.parametrize("size", [32, 64])
def test_recipe_gives_the_same_pixels_alone_again_and_in_a_full_batch(
    generator: SpriteGenerator, size: int
) -> None:
    wanted = recipes(generator, size, MAX_BATCH)
    together = generator.draw(wanted)
    for begin, end in ((0, 1), (5, 6), (7, 9), (11, 16)):
        for alone, one in zip(generator.draw(wanted[begin:end]), together[begin:end], strict=True):
            share = differing_share(alone.pixels, one.pixels)
            print(f"{size} px {generator.precision}: {100 * share:.2f} % of pixels differ from a batch of 16")
            assert share == 0
            assert (alone.media, alone.image) == (one.media, one.image)
    assert np.array_equal(generator.draw([wanted[0]])[0].pixels, together[0].pixels)


@pytest.mark.parametrize("size", [32, 64])
def test_other_precision_is_as_exact_in_a_batch_and_near_the_first(
    generator: SpriteGenerator, other_precision: SpriteGenerator, size: int
) -> None:
    wanted = recipes(other_precision, size, 3)
    together = other_precision.draw(wanted)
    assert np.array_equal(other_precision.draw(wanted[1:2])[0].pixels, together[1].pixels)
    as_drawn = [
        [one.model_copy(update={"palette": None, "precision": precision}) for one in wanted]
        for precision in ("bf16", "fp32")
    ]
    half, full = (np.stack([p.pixels for p in generator.draw(batch)]) for batch in as_drawn)
    outline = float((half[..., 3] != full[..., 3]).mean())
    colour = float(np.abs(half.astype(int) - full)[(half[..., 3] > 0) & (full[..., 3] > 0)].mean())
    share = differing_share(half, full)
    print(f"{size} px bf16 to fp32: {100 * share:.1f} % of pixels differ, mean {colour:.2f} of 255")
    print(f"  outline: {100 * outline:.2f} % of pixels")
    assert outline < 0.1
    assert colour < 12


def test_what_threads_ask_for_together_has_the_pixels_of_each_alone(generator: SpriteGenerator) -> None:
    """The drawer chooses the batches, by who asks when; no picture may show whom it shared one with."""
    wanted = [*recipes(generator, 32, 20), *recipes(generator, 64, 9)]
    asked = [wanted[begin::5] for begin in range(5)] + [wanted[:1], wanted[20:22]]
    shared = SharedDrawer(generator)
    try:
        with ThreadPoolExecutor(len(asked)) as threads:
            answered = list(threads.map(shared.draw, asked))
    finally:
        shared.close()
    alone = {recipe: generator.draw([recipe])[0] for recipe in wanted}
    for mine, pictures in zip(asked, answered, strict=True):
        for recipe, picture in zip(mine, pictures, strict=True):
            assert np.array_equal(picture.pixels, alone[recipe].pixels)
            assert (picture.media, picture.image) == (alone[recipe].media, alone[recipe].image)


def test_number_of_threads_does_not_change_bf16_pixels(generator: SpriteGenerator, threads: None) -> None:
    wanted = [
        one.model_copy(update={"precision": "bf16"})
        for size in (32, 64)
        for one in recipes(generator, size, 2)
    ]
    torch.set_num_threads(1)
    one_thread = generator.draw(wanted)
    torch.set_num_threads(2)
    for first, second in zip(one_thread, generator.draw(wanted), strict=True):
        assert np.array_equal(first.pixels, second.pixels)


@pytest.mark.parametrize(("kind", "size"), [(Kind.CHARACTER, 64), (Kind.ITEM, 32), (Kind.TILE, 32)])
def test_each_kind_is_drawn_at_its_size_with_its_recipe_inside(
    generator: SpriteGenerator, kind: Kind, size: int
) -> None:
    recipe = generator.recipe("blue stone", kind, seed=MAX_SEED, steps=STEPS)
    (finished,) = generator.draw([recipe])
    assert finished.pixels.shape == (size, size, 4)
    assert len(np.unique(finished.pixels[finished.pixels[..., 3] > 0], axis=0)) <= DEFAULT_COLOURS
    pixels, inside = read_png(finished.media)
    assert np.array_equal(pixels, finished.pixels)
    assert inside == recipe
    assert read_png(finished.image)[0].shape == (512, 512, 4)


@pytest.mark.parametrize("size", [32, 64])
def test_seed_and_prompt_each_change_the_picture(generator: SpriteGenerator, size: int) -> None:
    wanted = [
        generator.recipe(prompt, Kind.ITEM, seed, size=size, steps=STEPS)
        for prompt, seed in (("red potion bottle", 1), ("red potion bottle", 2), ("blue dragon", 1))
    ]
    base, reseeded, reworded = (picture.pixels for picture in generator.draw(wanted))
    assert not np.array_equal(base, reseeded)
    assert not np.array_equal(base, reworded)


def test_palette_is_obeyed(generator: SpriteGenerator) -> None:
    palette = ("#1a1c2c", "#b13e53", "#ffcd75")
    (listed, counted) = generator.draw(
        [generator.recipe("red ring", Kind.ITEM, 1, palette=given, steps=STEPS) for given in (palette, 5)]
    )
    allowed = {tuple(colour) for colour in rgb_values(palette).tolist()}
    opaque = listed.pixels[..., 3] > 0
    assert {tuple(rgb) for rgb in listed.pixels[opaque][:, :3].tolist()} <= allowed
    assert len(np.unique(counted.pixels[counted.pixels[..., 3] > 0], axis=0)) <= 5


def test_progress_covers_every_step_of_every_picture_and_can_stop(generator: SpriteGenerator) -> None:
    wanted = recipes(generator, 32, 2) + recipes(generator, 64, 1)
    told: list[Progress] = []
    pictures = generator.draw(wanted, told.append)
    assert [picture.pixels.shape[0] for picture in pictures] == [32, 32, 64]
    for index in range(3):
        mine = [progress for progress in told if index in progress.indices]
        assert [(progress.step, progress.steps) for progress in mine] == [
            (n, STEPS) for n in range(1, STEPS + 1)
        ]
    assert told[0].preview().shape == (len(told[0].indices), 32, 32, 4)

    def stop(progress: Progress) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        generator.draw(wanted, stop)


def test_nothing_to_draw_draws_nothing(generator: SpriteGenerator) -> None:
    assert generator.draw([]) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "other/1"}, r"^The recipe's model other/1 is not installed; installed are lorespark-"),
        ({"weights": "0" * 64}, r"^The recipe was drawn with other weights of .* \(000000000000…, "),
        ({"size": 64}, r"^The model .* draws at 32 px, not at 64\.$"),
    ],
)
def test_recipe_of_another_model_is_refused(
    generator: SpriteGenerator, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InvalidRecipe, match=sentence):
        generator.draw([recipes(generator, 32, 1)[0].model_copy(update=changes)])


def test_altered_copy_of_the_weights_is_refused(tmp_path: Path) -> None:
    shutil.copytree(WEIGHTS_FOLDER, tmp_path / "weights")
    file = next((tmp_path / "weights").glob("sprite-*/**/*.safetensors"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    generator = SpriteGenerator(tmp_path / "weights")
    with pytest.raises(WeightsUnavailable, match=r"is not the one this version was released with .*\.$"):
        generator.draw([generator.recipe("ring", Kind.ITEM, 1, size=size) for size in (32, 64)])


def test_bundle_is_small_safetensors_and_listed_whole() -> None:
    weights = [path for path in FILES if path.suffix != ".json"]
    assert {path.suffix for path in weights} == {".safetensors"}
    assert sum(path.stat().st_size for path in FILES) <= MAX_BUNDLE_BYTES
    assert max(path.stat().st_size for path in FILES) < MAX_FILE_BYTES
    listed = {model.folder / name for model in read_models().values() for name, _ in model.files}
    for folder in (
        JUDGE_FOLDER,
        CLIP_JUDGE_FOLDER,
        NOVELTY_FOLDER,
    ):  # each lists its own, beside its settings
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        assert config["licence"] == "CC0-1.0"
        listed |= {folder / name for name in config["files"]} | {folder / CONFIG}
    assert listed == set(FILES) - {WEIGHTS_FOLDER / MANIFEST}
    for model in read_models().values():
        model.check_files()
        assert model.licence == "CC0-1.0"


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.suffix == ".json"], ids=lambda p: str(p.relative_to(WEIGHTS_FOLDER))
)
def test_no_file_names_a_place_on_a_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    json.loads(text)
    assert not re.search(r"_name_or_path|\"[^\"]*(/home|/root|/tmp|/work|/Users|runs/|[A-Z]:\\)", text)
