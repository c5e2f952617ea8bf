"""Clips by the weights that the package ships; no test looks for particular pixels."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from engine import cli
from engine.app import Application
from engine.settings import Settings
from generators.apng import read_apng
from generators.clip import FinishedClip
from generators.clip_generator import PICTURE_STEPS
from generators.errors import InvalidRecipe
from generators.finishing import read_png
from generators.motion import Direction
from generators.order import orders
from generators.picture_generator import PictureGenerator
from generators.png import encode_png
from generators.progress import Progress
from generators.recipe import DEFAULT_COLOURS, Kind, Quality, Recipe
from generators.sprite_generator import SpriteGenerator

STEPS = 3  # enough for every part to run, few enough for two cores
KNIGHT = "a knight in silver armour with a sword"


@pytest.fixture(scope="module")
def generator() -> PictureGenerator:
    return PictureGenerator(SpriteGenerator())


@pytest.fixture(scope="module")
def knight(generator: PictureGenerator) -> np.ndarray:
    """The picture that its clips begin as."""
    asked = generator.recipe(KNIGHT, Kind.CHARACTER, 5, steps=PICTURE_STEPS * STEPS)
    return generator.draw([asked])[0].pixels


def recipe(generator: PictureGenerator, prompt: str = KNIGHT, seed: int = 5, **more: Any) -> Recipe:
    return generator.recipe(prompt, Kind.CLIP, seed, **({"frames": 8, "steps": STEPS} | more))


def drawn(generator: PictureGenerator, asked: Recipe, picture: np.ndarray | None = None) -> FinishedClip:
    (clip,) = generator.draw([asked], pictures=lambda _: encode_png(picture, 1, {}))
    assert isinstance(clip, FinishedClip)
    return clip


def test_a_clip_begins_as_the_picture_of_its_words_and_moves(
    generator: PictureGenerator, knight: np.ndarray
) -> None:
    clip = drawn(generator, recipe(generator, action="idle"))
    assert clip.pixels.shape == (8, 64, 64, 4)
    assert set(np.unique(clip.pixels[..., 3])) <= {0, 255}
    assert len(np.unique(clip.pixels[clip.pixels[..., 3] > 0], axis=0)) <= DEFAULT_COLOURS
    figure = knight[..., 3] > 0
    shared = (clip.pixels[:, ..., 3] > 0) & figure
    assert (shared.sum((1, 2)) > 0.5 * figure.sum()).all(), "it stays where and about what it was"
    assert any(not np.array_equal(clip.pixels[k], clip.pixels[0]) for k in range(1, 8))


def test_a_recipe_gives_the_same_clip_alone_and_among_others(generator: PictureGenerator) -> None:
    asked = [recipe(generator, action=action, seed=seed) for action, seed in (("run", 1), ("idle", 2))]
    still = generator.recipe(KNIGHT, Kind.CHARACTER, 5, steps=STEPS)
    together = generator.draw([asked[0], still, asked[1]])
    alone = [drawn(generator, each) for each in asked]
    assert np.array_equal(together[0].pixels, alone[0].pixels)
    assert np.array_equal(together[2].pixels, alone[1].pixels)
    assert together[0].media == alone[0].media
    assert dict(together[0].files) == dict(alone[0].files)


def test_left_is_the_mirror_image_of_right(generator: PictureGenerator, knight: np.ndarray) -> None:
    made = {
        direction: drawn(
            generator,
            recipe(generator, action="walk", direction=direction, source_cid="x", strength=1.0, size=64),
            knight,
        ).pixels
        for direction in (Direction.RIGHT, Direction.LEFT)
    }
    differ = (made[Direction.RIGHT] != made[Direction.LEFT][:, :, ::-1]).any(-1)
    assert differ.mean() < 0.02, "finishing may break a tie the other way"


def test_a_picture_keeps_its_colours_and_its_place(generator: PictureGenerator) -> None:
    picture = np.zeros((32, 32, 4), np.uint8)
    picture[8:26, 10:22] = (30, 160, 60, 255)
    picture[10:14, 12:20] = (240, 230, 120, 255)
    asked = recipe(generator, "green slime", action="float", size=32, source_cid="x", strength=1.0)
    clip = drawn(generator, asked, picture)
    assert clip.pixels.shape == (8, 32, 32, 4)
    opaque = clip.pixels[clip.pixels[..., 3] > 0][:, :3].astype(int)
    own = np.array([[30, 160, 60], [240, 230, 120]])
    near = (np.abs(opaque[:, None] - own).max(-1) < 40).any(1)
    assert near.mean() > 0.8


def test_every_step_of_the_picture_and_of_the_clip_is_told_with_a_preview(
    generator: PictureGenerator,
) -> None:
    told: list[tuple[int, int, tuple[int, ...]]] = []

    def listen(progress: Progress) -> None:
        told.append((progress.step, progress.steps, progress.preview().shape))

    generator.draw([recipe(generator, action="idle")], listen)
    before, steps = PICTURE_STEPS * STEPS, (PICTURE_STEPS + 1) * STEPS
    assert [(step, of) for step, of, _ in told] == [(k, steps) for k in range(1, steps + 1)]
    assert {shape for _, _, shape in told[:before]} == {(1, 64, 64, 4)}
    assert {shape for _, _, shape in told[before:]} == {(1, 8, 64, 64, 4)}


def test_files_show_the_frames_that_were_drawn(generator: PictureGenerator) -> None:
    asked = recipe(generator, "golden ring", action="spin", seed=9)
    clip = drawn(generator, asked)
    animation, inside = read_apng(clip.media)
    assert inside == asked
    assert np.array_equal(animation.frames, clip.pixels)
    assert (animation.name, animation.loops, animation.frame_ms) == ("spin", True, asked.frame_ms)
    first = read_png(clip.image)[0]
    assert np.array_equal(first[:: 512 // 32, :: 512 // 32], clip.pixels[0])
    assert set(clip.files) == {
        *("clip.mp4", "clip.webp", "clip.gif"),
        *("sheet.png", "sheet.json", "sheet.tres", "sheet.tsx"),
    }
    with av.open(BytesIO(clip.files["clip.mp4"])) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height) == (512, 512)
        assert float(stream.duration * stream.time_base) >= 2
    for name in ("clip.webp", "clip.gif"):
        with Image.open(BytesIO(clip.files[name])) as image:
            assert (image.n_frames, image.size) == (8, (256, 256))


def test_defaults_are_sixteen_frames_at_the_actions_own_speed(generator: PictureGenerator) -> None:
    asked = generator.recipe("a wolf, running", Kind.CLIP, 1)
    assert (asked.action, asked.frames, asked.frame_ms, asked.size) == ("run", 16, 40, 64)
    assert asked.steps == generator.models[asked.model].steps_for(Quality.STANDARD)
    assert recipe(generator, action="run", frames=8).frame_ms == 80
    assert recipe(generator, "gem", action="spin").size == 32


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"frames": 12}, "The clip model draws 8 or 16 frames, not 12; ask for one of these."),
        ({"action": "fly"}, "There is no action 'fly'; use one of idle"),
        ({"action": "float", "direction": Direction.LEFT}, "What does float faces nowhere"),
        ({"size": 48}, "The clip model draws at 32 or 64 px, not at 48"),
        ({"negative_prompt": "red", "source_cid": "x", "strength": 1.0}, "reads no negative prompt"),
        ({"cutout": True}, "draw without a background"),
        ({"model": "lorespark-sprite-64/2"}, "draws pictures, no clips"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence(
    generator: PictureGenerator, wanted: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidRecipe, match=told):
        recipe(generator, **wanted)


def test_pictures_are_not_drawn_by_the_clip_model(generator: PictureGenerator) -> None:
    clip_model = next(model for model in generator.models.values() if model.draws == "clips")
    with pytest.raises(InvalidRecipe, match="draws clips; ask for a clip"):
        generator.draw(
            [generator.recipe(KNIGHT, Kind.CHARACTER, 1).model_copy(update={"model": clip_model.id})]
        )


def test_a_recipe_of_other_weights_is_refused(generator: PictureGenerator) -> None:
    other = recipe(generator).model_copy(update={"weights": "ab" * 32})
    with pytest.raises(InvalidRecipe, match="drawn with other weights"):
        generator.draw([other])


def test_a_clip_of_words_and_one_of_a_picture_depend_on_other_weights(generator: PictureGenerator) -> None:
    words = recipe(generator, action="idle", size=64)
    picture = recipe(generator, action="idle", size=64, source_cid="x", strength=1.0)
    assert words.weights != picture.weights
    assert words.weights != recipe(generator, action="idle", size=32).weights


def test_each_clip_is_a_batch_of_its_own(generator: PictureGenerator) -> None:
    first, second = orders([recipe(generator)] * 2, lambda _: b"")
    assert generator.batch_key(first) != generator.batch_key(second)
    assert generator.batch_key(first) == generator.batch_key(first)


def test_an_asset_is_animated_as_a_sheet_of_clips_with_itself_as_parent(settings: Settings) -> None:
    with Application.open(settings) as application:
        drawn_id = application.create([application.generator.recipe(KNIGHT, Kind.CHARACTER, 5, steps=STEPS)])
        (asset,) = application.records.assets_of(drawn_id)
        asked = [("idle", Direction.RIGHT), ("idle", Direction.LEFT)]
        recipes = application.clips(asset.asset_id, asked, 3, frames=8, steps=STEPS)
        clips = application.records.assets_of(application.create(recipes))
        assert [clip.parents for clip in clips] == [(asset.asset_id,)] * 2
        names = [read_apng(application.files.read(clip.media_cid))[0].name for clip in clips]
        assert names == ["idle-right", "idle-left"]
        for clip in clips:
            for name, (_, path) in application.file_paths(clip).items():
                assert path.read_bytes() == application.files.more(clip)[name]
        source = application.clip_source
        shown = source.animation(asset.asset_id, "idle", "right", 8, 3)
        assert shown.frames.shape == (8, 64, 64, 4)
        own = source.animation(clips[0].asset_id, "die", "left", 16, 1)
        assert own.name == "idle-right", "a clip shows what it is"
        assert np.array_equal(source.picture(clips[0].asset_id), own.frames[0])


def test_plain_files_come_back_where_they_were_lost(settings: Settings) -> None:
    with Application.open(settings) as application:
        asked = application.generator.recipe("gem", Kind.CLIP, 1, action="glow", frames=8, steps=1)
        (clip,) = application.records.assets_of(application.create([asked]))
        before = {name: path.read_bytes() for name, (_, path) in application.file_paths(clip).items()}
        lost: Path = application.file_paths(clip)["clip.gif"][1]
        lost.unlink()
        assert {name: path.read_bytes() for name, (_, path) in application.file_paths(clip).items()} == before


def test_any_clips_become_one_sheet_whose_animations_have_names_of_their_own(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Application.open(settings) as application:
        asked = [application.generator.recipe("gem", Kind.CLIP, 1, action="glow", frames=8, steps=1)] * 2
        still = application.generator.recipe("gem", Kind.ITEM, 1, steps=1)
        clips = application.records.assets_of(application.create(asked))
        (picture,) = application.records.assets_of(application.create([still]))
    monkeypatch.setenv("LORESPARK_DATA_DIR", str(settings.data_dir))
    out = tmp_path / "sheet"
    ids = [clip.asset_id for clip in clips]
    answer = CliRunner().invoke(cli.app, ["sheet", *ids, "--out", str(out), "--json"])
    assert answer.exit_code == 0, answer.output
    assert sorted(path.name for path in out.iterdir()) == [
        "sheet.json",
        "sheet.png",
        "sheet.tres",
        "sheet.tsx",
    ]
    tags = json.loads((out / "sheet.json").read_text())["meta"]["frameTags"]
    assert [(tag["name"], tag["from"], tag["to"]) for tag in tags] == [("glow", 0, 7), ("glow-2", 8, 15)]
    with Image.open(out / "sheet.png") as image:
        assert image.size == (8 * 32, 2 * 32)
    refused = CliRunner().invoke(cli.app, ["sheet", picture.asset_id, "--out", str(out)])
    assert refused.exit_code == 1
    assert f"{picture.asset_id} is no clip" in refused.stderr
