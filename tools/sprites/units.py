"""Animated units at true 64 px (OpenDuelyst art, CC0), with this project's own captions and an action word."""

import io
import json
import random
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.sprites.colours import colour_words
from tools.sprites.phrases import with_synonyms
from tools.sprites.picture import Picture, Report, clean

SIZE_PX = 64
CAPTIONS = Path(__file__).with_name("unit_captions.jsonl")
# Action -> (its words, frames drawn of it). Idle poses are what people ask for: they are drawn more densely.
ACTIONS = {
    "breathing": ("standing", 4),
    "idle": ("standing", 4),
    "run": ("running", 3),
    "attack": ("attacking", 5),
    "hit": ("hurt", 1),
    "death": ("dying", 2),
    "cast": ("casting a spell", 2),
    "castloop": ("casting a spell", 1),
}


@dataclass(frozen=True)
class Unit:
    """One captioned unit of the archive: its caption's entry, its sheet, where each action's frames lie on it, and the
    place on the sheet's frames that stands at the top left of the canvas."""

    entry: Mapping[str, Any]
    sheet: Image.Image
    frames: Mapping[str, list[Mapping[str, int]]]
    anchor: tuple[int, int]

    @property
    def subject(self) -> str:
        return f"unit/{self.entry['unit']}"

    def picture(self, frame: Mapping[str, int]) -> NDArray[np.uint8]:
        """A frame on the canvas (64 64 4), standing where the unit rests: a lunge moves the body and not the canvas."""
        canvas = Image.new("RGBA", (SIZE_PX, SIZE_PX))
        canvas.paste(_cut(self.sheet, frame), (-self.anchor[0], -self.anchor[1]))
        return clean(np.asarray(canvas))


def captioned_units(archive: zipfile.ZipFile, report: Report) -> Iterator[Unit]:
    """Every captioned unit that fits the canvas, anchored by the feet of its breathing frames."""
    names = set(archive.namelist())
    for line in CAPTIONS.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        unit = entry["unit"]
        if entry["exclude"]:
            report.drop("unit from another company's game")
            continue
        if f"units/{unit}.png" not in names:
            report.drop("unit not in the archive")
            continue
        sheet = Image.open(io.BytesIO(archive.read(f"units/{unit}.png"))).convert("RGBA")
        frames = json.loads(archive.read(f"units/{unit}.json"))["frames"]
        anchor = _feet_anchor(sheet, frames)
        if anchor is None:
            report.drop("unit without a resting pose, or one larger than a 64 px canvas")
        else:
            yield Unit(entry, sheet, frames, anchor)


def unit_pictures(archive: zipfile.ZipFile, report: Report) -> Iterator[Picture]:
    """Some frames of every captioned unit on a 64x64 canvas."""
    draw = random.Random(3)
    for unit in captioned_units(archive, report):
        for action, (word, most) in ACTIONS.items():
            listed = unit.frames.get(action, [])
            for frame in draw.sample(listed, min(most, len(listed))):
                pixels = unit.picture(frame)
                if int((pixels[..., 3] > 0).sum()) < 120:
                    report.drop("unit frame nearly empty")
                    continue
                yield Picture(pixels, _captions(unit.entry, word, pixels, draw), "unit", unit.subject)


def _cut(sheet: Image.Image, frame: Mapping[str, int]) -> Image.Image:
    return sheet.crop((frame["x0"], frame["y0"], frame["x1"], frame["y1"]))


def _feet_anchor(sheet: Image.Image, frames: Mapping[str, list[Mapping[str, int]]]) -> tuple[int, int] | None:
    resting = frames.get("breathing") or frames.get("idle") or []
    boxes = [box for box in (_cut(sheet, frame).getbbox() for frame in resting) if box]
    if not boxes:
        return None
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    right, bottom = max(b[2] for b in boxes), max(b[3] for b in boxes)
    if right - left > 72 or bottom - top > 70:
        return None
    tall = bottom - top > SIZE_PX - 2
    return (left + right) // 2 - SIZE_PX // 2, (
        top + bottom
    ) // 2 - SIZE_PX // 2 if tall else bottom - SIZE_PX + 1


def _captions(entry: Mapping, word: str, pixels: np.ndarray, draw: random.Random) -> tuple[str, ...]:
    caption, tags, body = entry["caption"], entry["tags"], entry["body"]
    pose = "" if word == "standing" else f", {word}"
    some = ", ".join(draw.sample(tags, min(3, len(tags))))
    who = tags[0] if tags else body
    colours = " and ".join(colour_words(pixels))
    made = [
        f"{caption}{pose}",
        f"{some}{pose}",
        f"{colours} {who}{pose}".strip(),
        f"{body}, {some}, {word}",
        with_synonyms(f"{caption}{pose}", draw),
        with_synonyms(f"{some}, {word}", draw),
    ]
    return tuple(dict.fromkeys(made))


def icon_pictures(archive: zipfile.ZipFile, report: Report) -> Iterator[Picture]:
    """The first frame of each artefact icon, centred on a 64x64 canvas: items at true 64 px."""
    draw = random.Random(4)
    for name in sorted(archive.namelist()):
        if not name.startswith("icons/artifact") or not name.endswith(".png"):
            continue
        sheet = Image.open(io.BytesIO(archive.read(name))).convert("RGBA")
        frames = json.loads(archive.read(name.removesuffix(".png") + ".json"))["frames"]
        first = next((frames[key][0] for key in ("idle", "active", *frames) if frames.get(key)), None)
        picture = _cut(sheet, first) if first else sheet
        if (box := picture.getbbox()) is None or max(box[2] - box[0], box[3] - box[1]) > SIZE_PX:
            report.drop("icon empty or larger than 64 px")
            continue
        picture = picture.crop(box)
        canvas = Image.new("RGBA", (SIZE_PX, SIZE_PX))
        canvas.paste(picture, ((SIZE_PX - picture.width) // 2, (SIZE_PX - picture.height) // 2))
        pixels = clean(np.asarray(canvas))
        noun = icon_noun(name)
        colours = " and ".join(colour_words(pixels))
        made = [f"{colours} {noun}".strip(), noun, with_synonyms(f"{colours} {noun}", draw)]
        yield Picture(pixels, tuple(dict.fromkeys(made)), "icon", name.removesuffix(".png"))


# Parts of icon file names that say what is shown; the rest of such a name is one game's own.
ICON_NOUNS = """
    shield mask spear horn bracers bracelet glaive blade sword axe hammer bow staff wand ring amulet helm
    crown armor plate boots gauntlet banner orb book scroll dagger cloak robe claw eye skull mantle gloves
    fist halberd whip scythe chakram belt cuirass totem idol rod hood lamp lantern drum stone gem crystal
    flame
""".split()


def icon_noun(name: str) -> str:
    stem = re.sub(r"[^a-z]", "", name.rsplit("/", 1)[-1].removesuffix(".png").split("_", 2)[-1].lower())
    found = next((noun for noun in ICON_NOUNS if noun in stem), "")
    return f"magic {found}".replace("armor", "armour") if found else "magic artefact"
