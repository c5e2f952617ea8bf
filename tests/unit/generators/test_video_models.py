"""Tiny video pipelines of each family, from a recipe to the finished frames, and what is refused on the way."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generators import video_family
from generators.errors import InvalidRecipe
from generators.progress import Progress
from generators.recipe import Recipe
from tests.unit.generators.tiny_video_drawing import (
    FRAMES,
    HEIGHT,
    WIDTH,
    drawn,
    entry,
    generator,
    source,
    wish,
)
from tests.unit.generators.tiny_video_models import VIDEO_FAMILIES

PIPELINES = {
    "ltx": "LTXPipeline",
    "ltx-from-picture": "LTXImageToVideoPipeline",
    "wan": "WanPipeline",
    "wan-from-picture": "WanImageToVideoPipeline",
    "cogvideox": "CogVideoXPipeline",
    "animatediff": "AnimateDiffPipeline",
}
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


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
