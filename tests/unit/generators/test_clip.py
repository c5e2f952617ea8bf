import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generators.animation import Animation
from generators.apng import read_apng
from generators.clip import FinishedClip, finished_clip
from generators.finishing import read_png
from generators.recipe import Recipe
from tests.unit.generators.moving import animation


@pytest.fixture
def clip_recipe(fields: dict[str, Any]) -> Recipe:
    return Recipe.make(**fields | {"kind": "clip", "size": 64, "frames": 16, "frame_ms": 60})


@pytest.fixture
def finished(clip_recipe: Recipe) -> FinishedClip:
    return finished_clip(animation(), clip_recipe)


def test_media_is_the_animation_with_its_recipe(finished: FinishedClip, clip_recipe: Recipe) -> None:
    read, recipe = read_apng(finished.media)
    assert np.array_equal(read.frames, finished.animation.frames)
    assert (read.name, read.frame_ms, read.loops, recipe) == ("walk-left", 60, True, clip_recipe)


def test_image_is_the_first_frame_enlarged_with_the_recipe(
    finished: FinishedClip, clip_recipe: Recipe
) -> None:
    pixels, recipe = read_png(finished.image)
    assert recipe == clip_recipe
    assert np.array_equal(pixels, finished.animation.frames[0].repeat(8, 0).repeat(8, 1))


def test_files_are_those_that_others_play(finished: FinishedClip) -> None:
    pairs = {"mp4": b"ftyp", "webp": b"WEBP", "gif": b"GIF89a"}
    sheets = {"sheet.png", "sheet.json", "sheet.tres", "sheet.tsx"}
    assert set(finished.files) == {f"clip.{kind}" for kind in pairs} | sheets
    for kind, mark in pairs.items():
        assert mark in finished.files[f"clip.{kind}"][:16]
    assert b'"walk-left"' in finished.files["sheet.json"]
    for kind in ("webp", "gif"):
        with Image.open(io.BytesIO(finished.files[f"clip.{kind}"])) as image:
            assert (image.size, image.n_frames) == ((256, 256), 16)


def test_large_clip_of_another_model_is_written_at_its_own_size(clip_recipe: Recipe) -> None:
    frames = np.random.default_rng(2).integers(0, 256, (4, 60, 600, 4), np.uint8)
    frames[..., 3] = 255
    made = finished_clip(Animation("clip", frames, 40, False), clip_recipe)
    assert np.array_equal(read_apng(made.media)[0].frames, frames)
    assert read_png(made.image)[0].shape == (60, 600, 4)
    with Image.open(io.BytesIO(made.files["clip.gif"])) as image:
        assert image.size == (600, 60)


def test_same_frames_give_the_same_files(finished: FinishedClip, clip_recipe: Recipe) -> None:
    again = finished_clip(animation(), clip_recipe)
    assert (again.media, again.image, again.files) == (finished.media, finished.image, finished.files)
