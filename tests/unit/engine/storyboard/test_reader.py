"""A storyboard that can be filmed, or one sentence that names line and field."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.asset import Asset
from engine.errors import InvalidStoryboard
from engine.storyboard.reader import checked_storyboard, read_storyboard
from engine.storyboard.script import Member, Shot, Storyboard
from generators.motion import ACTIONS

Assets = dict[str, Asset]

WHOLE = """\
title: Two shots
size: 320x180
fps: 10
shots:
  - seconds: 2
    background: asset-c1
    ground: 104
    cast:
      - asset: asset-a1
        path: [[40, 140], [200, 140]]
  - seconds: 1.5
    background: "#203040"
    cast:
      - asset: asset-a2
        action: attack
        then: idle
        direction: left
        at: [100, 140]
        scale: 2
    camera:
      from: {at: [80, 90], zoom: 2}
      to: {zoom: 1}
    subtitle:
      - {from: 0, to: 1, text: Once}
"""


def read(text: str, assets: Assets, folder: Path = Path()) -> Storyboard:
    return checked_storyboard(text.encode(), folder, assets.get)


def test_a_storyboard_is_read_whole(assets: Assets) -> None:
    board = read(WHOLE, assets)
    assert (board.output_scale, board.output_size, board.frames) == (4, (1280, 720), 35)
    first, second = board.shots
    assert first.cast[0].path == ((40, 140), (200, 140))
    assert (second.cast[0].then, second.cast[0].scale) == ("idle", 2)
    assert second.camera.start.zoom == 2
    assert second.lines(10)[0].text == "Once"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "asset-a1",
            "asset-zz",
            "line 9, shots[0].cast[0].asset: there is no asset 'asset-zz'; `lorespark list`",
        ),
        ("asset-c1", "asset-zz", "line 6, shots[0].background: there is no asset 'asset-zz'"),
        ("asset-c1", "gone.png", "line 6, shots[0].background: there is neither an asset nor a picture file"),
        ('"#203040"', "#203040", "line 12, shots[1].background: it must be an asset's id"),
        ('"#203040"', '"#20304"', "line 12, shots[1].background: '#20304' is no colour"),
        (
            "attack",
            "dance",
            "line 15, shots[1].cast[0].action: there is no action 'dance'; use one of still, idle, walk",
        ),
        ("attack", "walk", "line 14, shots[1].cast[0]: it has a 'then'"),
        ("left", "north", "line 17, shots[1].cast[0].direction: it must be right, left, down or up"),
        ("at: [100, 140]", "path: [[1, 2]]", "line 14, shots[1].cast[0]: it has a path of one point"),
        ("[[40, 140], [200, 140]]", "[[40, 140, 3], [200, 140]]", "line 10, shots[0].cast[0].path"),
        ("[[40, 140], [200, 140]]", "[[40.5, 140], [200, 140]]", "line 10, shots[0].cast[0].path"),
        ("[[40, 140], [200, 140]]", "[[40, 99999], [200, 140]]", "line 10, shots[0].cast[0].path"),
        ("path: [[40, 140], [200, 140]]", "at: here", "line 10, shots[0].cast[0].at: it must be a point"),
        ("scale: 2", "scale: 0", "line 19, shots[1].cast[0].scale"),
        ("scale: 2", "speed: 2", "line 19, shots[1].cast[0].speed: there is no such field"),
        ("zoom: 2", "zoom: 0.5", "line 21, shots[1].camera.from.zoom: it must be a number from 1 to 8"),
        ("zoom: 2", "zoom: .nan", "line 21, shots[1].camera.from.zoom"),
        ("to: 1,", "to: 0,", "line 24, shots[1].subtitle[0]: it must end after it begins"),
        ("from: 0,", "", "line 24, shots[1].subtitle[0].from: it is missing"),
        ("Once", "x" * 241, "line 24, shots[1].subtitle[0].text: it must be a text of 1 to 240"),
        ("ground: 104", "ground: 180", "line 7, shots[0].ground: the floor at 180 is below the stage"),
        ("ground: 104", "stage: 300x180", "line 7, shots[0].stage: a stage of 300x180"),
        ("ground: 104", "stage: 7680x7680", "line 7, shots[0].stage"),
        ("seconds: 2\n", "seconds: 0\n", "line 5, shots[0].seconds: it must be a number from 0.1 to 60"),
        ("seconds: 2\n", "seconds: soon\n", "line 5, shots[0].seconds"),
        (
            "seconds: 2\n",
            "seconds:\n",
            "line 5, shots[0].seconds: it must be a number from 0.1 to 60, not empty",
        ),
        ("320x180", "321x180", "line 2, size"),
        ("320x180", "4000x180", "the film would have 4000 x 180 pixels"),
        ("320x180", "99999999999x2", "line 2, size"),
        ("320x180", "[320, 180, 1]", "line 2, size"),
        ("fps: 10", "fps: 0", "line 3, fps: it must be a whole number from 1 to 60"),
        ("fps: 10", "scale: 16", "line 1: the film would have 5120 x 2880 pixels"),
        ("title: Two shots\n", "", "line 1, title: it is missing"),
        ("title: Two shots", "title: 12", "line 1, title: it must be a text"),
    ],
)
def test_what_cannot_be_filmed_names_line_and_field(old: str, new: str, words: str, assets: Assets) -> None:
    assert old in WHOLE
    with pytest.raises(InvalidStoryboard) as error:
        read(WHOLE.replace(old, new), assets)
    assert str(error.value).startswith(words) or words in str(error.value)
    assert str(error.value).endswith(".")


@pytest.mark.parametrize(
    "text", ["", "- 1", "12", "title: x", "title: x\nshots: []", "title: x\nshots: [1]", "shots: 3"]
)
def test_what_is_no_storyboard_is_one_sentence(text: str, assets: Assets) -> None:
    with pytest.raises(InvalidStoryboard, match=r"^line 1|^line 2"):
        read(text, assets)


def test_an_unknown_action_is_answered_with_all_that_there_are(assets: Assets) -> None:
    with pytest.raises(InvalidStoryboard) as error:
        read(WHOLE.replace("attack", "dance"), assets)
    assert all(action in str(error.value) for action in ACTIONS)


def test_films_are_bounded(assets: Assets) -> None:
    shot = '{seconds: 60, background: "#000000"}'
    many = "title: x\nfps: 60\nshots: [" + ", ".join([shot] * 6) + "]"
    with pytest.raises(InvalidStoryboard, match="21,600 frames; shorten it to 18,000"):
        read(many, assets)
    with pytest.raises(InvalidStoryboard, match="shots: it must be a list of 1 to 100"):
        read("title: x\nshots: [" + ", ".join([shot] * 101) + "]", assets)
    crowd = ", ".join(["{asset: asset-a1}"] * 17)
    with pytest.raises(InvalidStoryboard, match="cast: it must be a list of at most 16"):
        read('title: x\nshots: [{seconds: 1, background: "#000000", cast: [' + crowd + "]}]", assets)


def test_an_illustration_stands_still_and_is_not_cast_too_large(assets: Assets) -> None:
    moving = WHOLE.replace("asset: asset-a1", "asset: asset-d1\n        action: walk")
    with pytest.raises(
        InvalidStoryboard, match=r"line 10, shots\[0\].cast\[0\].action: an illustration cannot move"
    ):
        read(moving, assets)
    with pytest.raises(InvalidStoryboard, match="4096 pixels high"):
        read(WHOLE.replace("asset: asset-a1", "asset: asset-d1\n        scale: 2"), assets)


def test_pictures_are_found_beside_the_storyboard(tmp_path: Path, assets: Assets) -> None:
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "hill.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert read(WHOLE.replace("asset-c1", "hill.png"), assets, tmp_path).shots[0].background == "hill.png"
    with pytest.raises(InvalidStoryboard, match=r"line 6, shots\[0\].background: .* not a readable picture"):
        read(WHOLE.replace("asset-c1", "broken.png"), assets, tmp_path)
    for name in ("/dev/zero", "'a\\0b'", "x" * 4000, "."):
        with pytest.raises(InvalidStoryboard, match=r"line 6, shots\[0\].background"):
            read(WHOLE.replace("asset-c1", name), assets, tmp_path)


@pytest.mark.parametrize("name", ["gone.yaml", ".", "x" * 300, "a\0b"])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path, assets: Assets) -> None:
    with pytest.raises(InvalidStoryboard) as error:
        read_storyboard(tmp_path / name, assets.get)
    assert str(error.value).startswith(str(tmp_path))


def test_a_file_is_named_before_its_line(tmp_path: Path, assets: Assets) -> None:
    path = tmp_path / "film.yaml"
    path.write_text("title: x\nshots: 1\n")
    with pytest.raises(
        InvalidStoryboard, match=r"film\.yaml: line 2, shots: it must be a list of 1 to 100 shots"
    ):
        read_storyboard(path, assets.get)


def test_the_page_shows_a_storyboard_that_works_and_names_every_field(assets: Assets) -> None:
    page = (Path(__file__).parents[4] / "docs" / "storyboards.md").read_text()
    example = page.split("```yaml\n")[1].split("```")[0]
    assert checked_storyboard(example.encode(), Path(), lambda _: assets["asset-a1"]).frames == 84
    told = {name for part in (Storyboard, Shot, Member) for name in part.model_fields}
    assert all(f"`{word}`" in page for word in (*told, *ACTIONS, "still"))
