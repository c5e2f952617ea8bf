"""``lorespark storyboard`` as it is typed, with a simulated clip model and assets that no model drew."""

import json
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from assets.asset import Asset
from engine import cli
from engine.app import Application
from engine.settings import Settings
from generators.finishing import read_png
from tests.clip_simulator import SimulatedClips

AddAsset = Callable[..., Asset]
FILM = """\
title: A bottle
size: 64x48
scale: 2
shots:
  - seconds: 0.5
    background: "#336699"
    cast: [{{asset: {0}, action: spin, at: [32, 44]}}]
    subtitle: It spins & spins.
  - {{seconds: 0.5, background: "#000000"}}
"""


@pytest.fixture(autouse=True)
def data_folder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    def clips(application: Application) -> SimulatedClips:
        return SimulatedClips(
            lambda asset_id: read_png(application.media_path(application.asset(asset_id)).read_bytes())[0]
        )

    for name in ("LLM_URL", "LLM_MODEL", "LLM_KEY"):
        monkeypatch.delenv(f"LORESPARK_{name}", raising=False)
    monkeypatch.setenv("LORESPARK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr(Application, "clip_source", property(clips), raising=False)
    return settings.data_dir


@pytest.fixture
def bottle(settings: Settings, add_asset: AddAsset) -> str:
    with Application.open(settings) as application:
        return add_asset(application).asset_id


@pytest.fixture
def film(tmp_path: Path, bottle: str) -> Path:
    path = tmp_path / "film.yaml"
    path.write_text(FILM.format(bottle))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["storyboard", *map(str, arguments)])


def assert_sentence(result: Result, *words: str) -> None:
    assert result.exit_code == 1, (result.output, result.exception)
    assert result.stdout == ""
    (line,) = result.stderr.strip().splitlines()
    assert line.endswith(".")
    for word in words:
        assert word in line


def test_a_film_lies_beside_its_storyboard(film: Path) -> None:
    result = run(film, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "film": str(film.with_suffix(".mp4")),
        "subtitles": None,
        "size": [128, 96],
        "fps": 12,
        "frames": 12,
        "seconds": 1.0,
        "shots": 2,
        "shots_drawn": 2,
    }
    with av.open(str(film.with_suffix(".mp4"))) as made:
        assert sum(1 for _ in made.decode(made.streams.video[0])) == 12


def test_a_second_film_of_the_same_shots_draws_none(film: Path) -> None:
    run(film)
    out = film.with_name("other.webp")
    result = run(film, "--out", out, "--subtitles", "vtt", "--json")
    told = json.loads(result.stdout)
    assert (told["shots_drawn"], told["subtitles"]) == (0, str(out.with_suffix(".vtt")))
    assert "It spins &amp; spins." in out.with_suffix(".vtt").read_text()
    with Image.open(out) as made:
        assert made.size == (128, 96)


def test_people_read_one_line(film: Path) -> None:
    result = run(film, "--subtitles", "none")
    assert result.stdout == f"{film.with_suffix('.mp4')}  1 s, 12 frames of 128 x 96\n"


def test_what_is_wrong_in_a_storyboard_is_one_sentence_and_writes_nothing(film: Path, bottle: str) -> None:
    good = film.read_text()
    film.with_suffix(".mp4").write_bytes(b"old")
    for old, new, words in (
        (
            bottle,
            "asset-none",
            "line 7, shots[0].cast[0].asset: there is no asset 'asset-none'; `lorespark list`",
        ),
        ("spin,", "jump,", "line 7, shots[0].cast[0].action: there is no action 'jump'; use one of"),
        ("It spins", "火", "shots[0].subtitle: the font cannot draw '火'"),
        ("title", "[/red]", "line 1"),
    ):
        film.write_text(good.replace(old, new))
        assert_sentence(run(film, "--json"), words)
    assert film.with_suffix(".mp4").read_bytes() == b"old"
    assert_sentence(run(film.with_name("none.yaml")), "there is no such file")


def test_where_no_film_can_be_written_is_one_sentence(film: Path) -> None:
    assert_sentence(run(film, "--out", film.with_name("film.gif")), "film.gif", ".mp4 or .webp")
    assert_sentence(run(film, "--out", film.parent / "none" / "film.mp4"), "cannot be written")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["film.yaml", "--story", "x", "--out-yaml", "y"],
        ["--story", "x"],
        ["film.yaml", "--out-yaml", "y"],
        ["film.yaml", "--cast", "asset-1"],
        ["film.yaml", "--subtitles", "loud"],
    ],
)
def test_a_wrong_use_exits_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_story_becomes_a_storyboard_and_a_film(tmp_path: Path, bottle: str) -> None:
    board = tmp_path / "tale.yaml"
    story = "The potion glows. Then it burns!"
    result = run("--story", story, "--out-yaml", board, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"storyboard": str(board), "writer": "template"}
    assert f"asset: {bottle}" in board.read_text()
    filmed = run("--story", story, "--out-yaml", tmp_path / "b.yaml", "--out", tmp_path / "b.mp4", "--json")
    assert json.loads(filmed.stdout)["shots"] == 2
    assert (tmp_path / "b.yaml").read_text() == board.read_text()


def test_a_storyboard_that_is_there_is_not_written_over(tmp_path: Path, bottle: str) -> None:
    board = tmp_path / "tale.yaml"
    board.write_text("mine")
    assert_sentence(run("--story", "It glows.", "--out-yaml", board), "there already")
    assert board.read_text() == "mine"


def test_who_is_not_there_cannot_be_cast(tmp_path: Path, bottle: str) -> None:
    board = tmp_path / "tale.yaml"
    assert_sentence(run("--story", "x", "--out-yaml", board, "--cast", "asset-none"), "no asset 'asset-none'")
    assert_sentence(run("--story", "x", "--out-yaml", board, "--cast", ","), "--cast")
    assert_sentence(run("--story", " ", "--out-yaml", board), "story is empty")
    assert not board.exists()


def test_without_assets_nobody_can_play(tmp_path: Path) -> None:
    assert_sentence(
        run("--story", "x", "--out-yaml", tmp_path / "tale.yaml"), "nobody to play", "lorespark create"
    )


def test_a_model_that_does_not_answer_is_told_and_replaced_by_rules(
    tmp_path: Path, bottle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("LORESPARK_LLM_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("LORESPARK_LLM_MODEL", "tiny")
    monkeypatch.setenv("LORESPARK_LLM_KEY", "secret-key")
    result = run("--story", "The potion glows.", "--out-yaml", tmp_path / "tale.yaml", "--json")
    assert json.loads(result.stdout)["writer"] == "template"
    assert "cannot be reached" in result.stderr
    assert "written by rules instead" in result.stderr
    assert "secret-key" not in result.output
    assert "127.0.0.1" not in result.output
