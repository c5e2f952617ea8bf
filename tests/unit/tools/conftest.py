"""A synthetic stand-in for each art archive, in its layout, and a small written training set."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.sprites.picture import Picture

RED, GREEN, BLUE, YELLOW = (200, 28, 28, 255), (44, 150, 44, 255), (40, 70, 210, 255), (248, 232, 72, 255)


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def block(colour: tuple[int, int, int, int], box: tuple[int, int, int, int], size: int = 32) -> Image.Image:
    """A rectangle of one colour on a clear square."""
    image = Image.new("RGBA", (size, size))
    image.paste(colour, box)
    return image


def crawl_files() -> dict[str, Image.Image]:
    files = {
        "item/potion/ruby.png": block(RED, (8, 8, 24, 32)),
        "item/potion/i-heal.png": block(RED, (8, 8, 20, 20)),
        "item/weapon/great_sword3.png": block(BLUE, (14, 0, 18, 32)),
        "item/weapon/great_sword_mirrored.png": block(BLUE, (14, 0, 18, 32)),
        "mon/animals/wolf.png": block(GREEN, (0, 10, 20, 32)),
        "mon/animals/wolf_mirror.png": block(GREEN, (12, 10, 32, 32)),
        "mon/unique/sigmund.png": block(YELLOW, (3, 3, 30, 32)),
        "mon/tentacles/kraken.png": block(GREEN, (0, 0, 32, 32)),
        "mon/animals/tentacle_end.png": block(GREEN, (0, 0, 30, 32)),
        "mon/animals/speck.png": block(GREEN, (0, 0, 5, 5)),
        "mon/animals/huge.png": block(GREEN, (0, 0, 60, 60), 60),
        "dngn/floor/stone_red1.png": block(RED, (0, 0, 32, 32)),
        "dngn/wall/brick_blue.png": block(BLUE, (0, 0, 32, 32)),
        "effect/flame.png": block(YELLOW, (6, 6, 26, 26)),
        "gui/button.png": block(RED, (0, 0, 31, 31)),
        "player/base/human_m.png": block(RED, (8, 0, 24, 32)),
        "player/base/elf_f.png": block(RED, (8, 2, 24, 32)),
        "player/body/robe_blue.png": block(BLUE, (8, 10, 24, 32)),
        "player/body/xom.png": block(BLUE, (8, 11, 24, 32)),
        "player/body/plate_huge.png": block(BLUE, (0, 0, 60, 60), 60),
        "player/cloak/green.png": block(GREEN, (4, 8, 28, 32)),
        "player/hand1/staff.png": block(YELLOW, (4, 0, 8, 32)),
    }
    return files | {
        f"item/ring/ring{n}.png": block((10 * n, 200 - 9 * n, 5 * n, 255), (10, 10, 22, 22)) for n in range(9)
    }


def frame(x: int) -> dict[str, int]:
    return {"x0": x, "y0": 0, "x1": x + 80, "y1": 80}


def duelyst_files() -> dict[str, bytes]:
    sheet = Image.new("RGBA", (240, 80))
    sheet.paste(RED, (30, 30, 50, 78))
    sheet.paste(BLUE, (100, 30, 130, 78))
    sheet.paste(GREEN, (200, 10, 201, 11))
    wide = Image.new("RGBA", (80, 80), RED)
    frames = {"breathing": [frame(0)], "attack": [frame(80)], "death": [frame(160)]}
    icon = block(YELLOW, (20, 20, 44, 44), 64)
    return {
        "units/knight_one.png": png(sheet),
        "units/knight_one.json": json.dumps({"frames": frames}).encode(),
        "units/giant.png": png(wide),
        "units/giant.json": json.dumps({"frames": {"breathing": [frame(0)]}}).encode(),
        "icons/artifact_f1_swordofx.png": png(icon),
        "icons/artifact_f1_swordofx.json": json.dumps(
            {"frames": {"idle": [{"x0": 0, "y0": 0, "x1": 64, "y1": 64}]}}
        ).encode(),
        "icons/artifact_f2_odd.png": png(Image.new("RGBA", (64, 64))),
        "icons/artifact_f2_odd.json": b'{"frames": {}}',
        "icons/spell_other.png": png(icon),
    }


def superpowers_files() -> dict[str, Image.Image]:
    """A ninja sheet whose cells differ: red by column, green by row."""
    sheet = Image.new("RGBA", (64, 112))
    for column in range(4):
        for row in range(7):
            left, top = column * 16, row * 16
            sheet.paste((60 + 40 * column, 30 * row, 90, 255), (left + 2, top + 2, left + 14, top + 16))
    return {
        "ninja-adventure/characters/1.png": sheet,
        "ninja-adventure/characters/dog.png": Image.new("RGBA", (32, 16), RED),
        "ninja-adventure/monsters/4.png": Image.new("RGBA", (48, 64), RED),
    }


UNITS = [
    {
        "unit": "knight_one",
        "body": "humanoid",
        "caption": "a knight in red armour",
        "tags": ["knight", "red armour", "sword"],
        "exclude": None,
    },
    {"unit": "giant", "body": "giant", "caption": "a giant", "tags": ["giant"], "exclude": None},
    {"unit": "guest", "body": "robot", "caption": "a guest", "tags": [], "exclude": "another game"},
    {"unit": "absent", "body": "robot", "caption": "absent", "tags": [], "exclude": None},
]


@pytest.fixture
def art(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the archives; the captions name their units."""
    folder = tmp_path / "art"
    folder.mkdir()
    with zipfile.ZipFile(folder / "crawl-tiles-cc0.zip", "w") as archive:
        for name, image in crawl_files().items():
            archive.writestr(name, png(image))
        archive.writestr("README.txt", "CC0")
    with zipfile.ZipFile(folder / "duelyst-cc0.zip", "w") as archive:
        for name, data in duelyst_files().items():
            archive.writestr(name, data)
    with zipfile.ZipFile(folder / "superpowers-cc0.zip", "w") as archive:
        for name, image in superpowers_files().items():
            archive.writestr(name, png(image))
    captions = tmp_path / "unit_captions.jsonl"
    captions.write_text("\n".join(json.dumps(entry) for entry in UNITS) + "\n")
    monkeypatch.setattr("tools.sprites.units.CAPTIONS", captions)
    return folder


@pytest.fixture
def pictures() -> Callable[..., list[Picture]]:
    """``count`` distinct 32 px pictures of each kind, each of its own subject."""

    def made(
        count: int, kinds: tuple[str, ...] = ("doll", "item", "monster", "tile", "effect")
    ) -> list[Picture]:
        draw = np.random.default_rng(1)
        found = []
        for kind in kinds:
            for n in range(count):
                pixels = draw.integers(0, 256, (32, 32, 4), np.uint8)
                pixels[..., 3] = 255
                found.append(Picture(pixels, (f"red {kind}", kind), kind, f"{kind}/{n}"))
        return found

    return made
