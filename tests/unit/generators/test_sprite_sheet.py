import io
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from generators.animation import Animation
from generators.errors import InvalidPicture
from generators.sprite_sheet import sheet_files
from tests.unit.generators.moving import moving_knight

ROWS = (
    Animation("idle", moving_knight(4), 80, True),
    Animation("attack-left", moving_knight(16), 70, False),
    Animation("walk-left", moving_knight(8)[::-1], 60, True),
)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return sheet_files(ROWS, "hero")


def sheet_pixels(files: dict[str, bytes], name: str) -> np.ndarray:
    with Image.open(io.BytesIO(files[name])) as image:
        return np.asarray(image.convert("RGBA"))


def test_sheet_has_a_row_for_each_animation(files: dict[str, bytes]) -> None:
    assert set(files) == {"hero.png", "hero.json", "hero.tres", "hero.tsx"}
    sheet = sheet_pixels(files, "hero.png")
    assert sheet.shape == (3 * 64, 16 * 64, 4)
    assert not sheet[:64, 4 * 64 :].any()


def test_aseprite_readers_find_every_frame(files: dict[str, bytes]) -> None:
    read = json.loads(files["hero.json"])
    meta, sheet = read["meta"], sheet_pixels(files, read["meta"]["image"])
    assert meta["size"] == {"w": sheet.shape[1], "h": sheet.shape[0]}
    assert [tag["name"] for tag in meta["frameTags"]] == [row.name for row in ROWS]
    for tag, row in zip(meta["frameTags"], ROWS, strict=True):
        listed = read["frames"][tag["from"] : tag["to"] + 1]
        cut = [box["frame"] for box in listed]
        pixels = [sheet[b["y"] : b["y"] + b["h"], b["x"] : b["x"] + b["w"]] for b in cut]
        assert np.array_equal(np.stack(pixels), row.frames)
        assert {frame["duration"] for frame in listed} == {row.frame_ms}
        assert tag["direction"] == "forward"
        assert tag.get("repeat") == (None if row.loops else "1")
        assert all(
            (frame["rotated"], frame["trimmed"], frame["sourceSize"]) == (False, False, {"w": 64, "h": 64})
            for frame in listed
        )
    assert sum(tag["to"] + 1 - tag["from"] for tag in meta["frameTags"]) == len(read["frames"])


def godot_value(text: str) -> object:
    """A value of Godot's text format: arrays and dictionaries are JSON's, but for &"names" and calls."""
    plain = re.sub(r'&"', '"', text)
    return json.loads(re.sub(r'SubResource\(("[^"]*")\)', r"\1", plain))


def test_godot_finds_every_frame(files: dict[str, bytes]) -> None:
    text = files["hero.tres"].decode()
    head, *sections = re.split(r"\n(?=\[)", text)
    assert re.fullmatch(r'\[gd_resource type="SpriteFrames" load_steps=30 format=3\]\s*', head)
    external, *textures, resource = sections
    sheet = re.match(r'\[ext_resource type="Texture2D" path="([^"]+)" id="1_sheet"\]', external)
    assert sheet
    pixels = sheet_pixels(files, sheet[1])
    regions = {}
    for texture in textures:
        found = re.fullmatch(
            r'\[sub_resource type="AtlasTexture" id="(\w+)"\]\natlas = ExtResource\("1_sheet"\)\n'
            r"region = Rect2\((\d+), (\d+), (\d+), (\d+)\)\s*",
            texture,
        )
        assert found
        x, y, width, height = map(int, found.groups()[1:])
        regions[found[1]] = pixels[y : y + height, x : x + width]
    assert len(regions) == 28
    assert resource.startswith("[resource]\nanimations = ")
    animations = godot_value(resource.removeprefix("[resource]\nanimations = "))
    for made, row in zip(animations, ROWS, strict=True):
        assert (made["name"], made["loop"]) == (row.name, row.loops)
        assert f'"name": &"{row.name}"' in text
        shown = [regions[frame["texture"]] for frame in made["frames"]]
        assert np.array_equal(np.stack(shown), row.frames)
        for frame in made["frames"]:
            assert frame["duration"] / made["speed"] * 1000 == pytest.approx(row.frame_ms)


def test_tiled_finds_every_frame(files: dict[str, bytes]) -> None:
    root = ElementTree.fromstring(files["hero.tsx"])
    number = {key: int(root.get(key)) for key in ("tilewidth", "tileheight", "tilecount", "columns")}
    image = root.find("image")
    sheet = sheet_pixels(files, image.get("source"))
    assert (int(image.get("height")), int(image.get("width"))) == sheet.shape[:2]
    assert number["tilecount"] == number["columns"] * sheet.shape[0] // number["tileheight"]
    tiles = root.findall("tile")
    assert [tile.get("type") for tile in tiles] == [row.name for row in ROWS]
    for tile, row in zip(tiles, ROWS, strict=True):
        frames = tile.findall("animation/frame")
        assert frames[0].get("tileid") == tile.get("id")
        assert {int(frame.get("duration")) for frame in frames} == {row.frame_ms}
        for frame, pixels in zip(frames, row.frames, strict=True):
            y, x = divmod(int(frame.get("tileid")), number["columns"])
            height, width = number["tileheight"], number["tilewidth"]
            assert np.array_equal(sheet[y * height : (y + 1) * height, x * width : (x + 1) * width], pixels)


def test_long_animation_goes_on_in_further_rows() -> None:
    wide = np.zeros((5, 4, 5000, 4), np.uint8)
    wide[..., 0] = np.arange(5)[:, None, None]
    wide[..., 3] = 255
    made = sheet_files([Animation("idle", wide, 100, True), Animation("walk", wide[:2], 100, True)], "wide")
    sheet = sheet_pixels(made, "wide.png")
    assert sheet.shape == (3 * 4, 15_000, 4)
    boxes = [frame["frame"] for frame in json.loads(made["wide.json"])["frames"]]
    assert [(box["x"], box["y"]) for box in boxes[3:]] == [(0, 4), (5000, 4), (0, 8), (5000, 8)]
    assert [sheet[box["y"], box["x"], 0] for box in boxes] == [0, 1, 2, 3, 4, 0, 1]
    tiles = ElementTree.fromstring(made["wide.tsx"]).findall("tile")
    assert [tile.get("id") for tile in tiles] == ["0", "6"]


@pytest.mark.parametrize(
    ("animations", "name", "sentence"),
    [
        ([], "hero", "A sheet needs at least one animation; give one."),
        (ROWS[:1], "../hero", "cannot hold the name '../hero'; use letters, digits and dashes"),
        ([Animation('a"b', ROWS[0].frames, 80, True)], "hero", "cannot hold the name 'a\"b'"),
        ((ROWS[0], ROWS[0]), "hero", "Two animations of the sheet are called idle; name them apart."),
        (
            (ROWS[0], Animation("run", ROWS[0].frames[:, :32], 80, True)),
            "hero",
            "frames of one size, not of 64 x 32 and 64 x 64 pixels; make a sheet of each.",
        ),
        (
            [Animation("idle", np.zeros((1, 20_000, 2, 4), np.uint8), 80, True)],
            "hero",
            "The sheet would be 2 x 20,000 pixels, and graphics cards take 16,384;",
        ),
    ],
)
def test_sheet_that_cannot_be_is_told(animations: list[Animation], name: str, sentence: str) -> None:
    with pytest.raises(InvalidPicture) as caught:
        sheet_files(animations, name)
    assert sentence in str(caught.value)
