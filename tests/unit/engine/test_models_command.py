"""Configured models on the command line: listed with their licences, and refused with a sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from assets.cid import Cid
from assets.unixfs import read_file
from engine import cli
from engine.app import Application
from engine.errors import InvalidSettings
from engine.settings import Settings
from engine.verification import _same_picture
from generators.finishing import finish, read_png
from generators.recipe import Recipe

ENTRY = """
[[models]]
id = "own"
path = "someone/model"
steps = 4
guidance = 0
size = 512
licence = "Apache-2.0"
"""


@pytest.fixture(autouse=True)
def model_list(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LORESPARK_DATA_DIR", str(settings.data_dir))
    settings.data_dir.mkdir()
    return settings.model_list


def test_models_are_listed_with_size_steps_licence_and_place(model_list: Path) -> None:
    model_list.write_text(ENTRY, encoding="utf-8")
    rows = json.loads(CliRunner().invoke(cli.app, ["models", "--json"]).stdout)["models"]
    assert [row["where"] for row in rows] == ["bundled", "bundled", "bundled", "hub someone/model"]
    assert (rows[-1]["id"], rows[-1]["size"], rows[-1]["steps"], rows[-1]["licence"]) == (
        "own",
        512,
        4,
        "Apache-2.0",
    )
    assert "Apache-2.0" in CliRunner().invoke(cli.app, ["models"]).stdout


def test_models_that_draw_clips_are_listed_as_such(model_list: Path) -> None:
    more = 'pipeline = "LTXPipeline"\nwidth = 704\nheight = 480\nframes = 97\n'
    model_list.write_text(ENTRY.replace("size = 512\n", more), encoding="utf-8")
    rows = json.loads(CliRunner().invoke(cli.app, ["models", "--json"]).stdout)["models"]
    assert [row["draws"] for row in rows] == ["clips", "pictures", "pictures", "clips"]
    told = {
        name: rows[-1][name] for name in ("pipeline", "frames", "frames_max", "frames_step", "fps", "size")
    }
    assert told == {
        "pipeline": "LTXPipeline",
        "frames": 97,
        "frames_max": 257,
        "frames_step": 8,
        "fps": 25,
        "size": 704,
    }
    assert "704 x 480" in CliRunner().invoke(cli.app, ["models"]).stdout


def test_a_mistake_in_the_list_is_one_sentence(model_list: Path) -> None:
    model_list.write_text(ENTRY.replace("steps = 4", "steps = 0"), encoding="utf-8")
    result = CliRunner().invoke(cli.app, ["models"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.strip().splitlines()) == 1
    assert "model 'own' has a steps that cannot be used" in result.stderr


def test_another_list_can_be_named_and_must_be_there(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(ENTRY, encoding="utf-8")
    assert Settings.from_environment({"LORESPARK_MODELS": str(other)}).model_list == other
    with pytest.raises(InvalidSettings, match=r"LORESPARK_MODELS .* no file"):
        Settings.from_environment({"LORESPARK_MODELS": str(tmp_path / "gone.toml")})


@pytest.mark.parametrize("size", [48, 200, 384, 600])
def test_pictures_of_any_size_are_stored_whole_and_their_image_shows_them(
    settings: Settings, recipe: Callable[..., Recipe], size: int
) -> None:
    pixels: Any = np.random.default_rng(size).integers(0, 256, (size, size, 4), np.uint8)
    pixels[..., 3] = 255
    picture = finish(pixels, recipe(size=size))
    with Application.open(settings) as application:
        stored = application.creation_job._store(recipe(size=size), picture, ())
        media, image = (
            read_png(b"".join(read_file(Cid.parse(cid), application.blocks)))[0]
            for cid in (stored.media_cid, stored.image_cid)
        )
    assert np.array_equal(media, pixels)
    assert len(image) == max(size, 512 // size * size)
    assert _same_picture(media, image)
