"""Tiny pipelines of each family, from a folder to the finished PNG, and what is refused on the way."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline

from generators.diffusers_loading import Loading, load_pipeline
from generators.diffusers_model import DiffusersModel
from generators.errors import (
    DrawingFailed,
    InvalidRecipe,
)
from generators.finishing import read_png
from generators.model_files import DigestCache
from generators.progress import Progress
from generators.recipe import Kind
from tests.unit.generators.tiny_drawing import CPU, DISTILLED, entry, generator
from tests.unit.generators.tiny_models import FAMILIES, PX

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


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
