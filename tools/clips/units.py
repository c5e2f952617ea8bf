"""Actions of the animated units (OpenDuelyst art, CC0) on a 64 px canvas, and its shimmering icons."""

import io
import json
import random
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

from generators.motion import ACTIONS, Direction
from tools.clips.sequence import CANVAS_PX, Sequence
from tools.sprites.phrases import with_synonyms
from tools.sprites.picture import Report, clean
from tools.sprites.units import Unit, captioned_units, icon_noun

# What the archive calls an action -> what clips call it.
NAMES = {
    "breathing": "idle",
    "idle": "idle",
    "run": "run",
    "attack": "attack",
    "hit": "hurt",
    "death": "die",
    "cast": "cast",
}
MAX_FRAMES = 64
# The archive has one gait for each unit. One whose neighbouring frames differ in less than this share of the figure is
# called a walk (about three in ten), any other a run.
WALK_CHANGE = 0.62


def unit_sequences(archive: zipfile.ZipFile, report: Report) -> Iterator[Sequence]:
    """Every named action of every captioned unit, anchored by the feet of its resting frames, facing right."""
    draw = random.Random(5)
    for unit in captioned_units(archive, report):

        def frames_of(name: str, unit: Unit = unit) -> np.ndarray:
            return np.stack([unit.picture(frame) for frame in unit.frames[name][:MAX_FRAMES]])

        resting = frames_of("breathing" if unit.frames.get("breathing") else "idle")
        for name, action in NAMES.items():
            if not unit.frames.get(name):
                continue
            frames = frames_of(name)
            if (frames[..., 3] > 0).sum((1, 2)).max() < 120:
                report.drop("sequence nearly empty")
                continue
            if action == "run" and change(frames) < WALK_CHANGE:
                action = "walk"
            yield Sequence(
                frames=frames,
                references=resting[:: max(1, len(resting) // 4)],
                action=action,
                direction=Direction.RIGHT,
                captions=_captions(unit.entry, ACTIONS[action].words, draw),
                kind="unit",
                subject=unit.subject,
                art_px=1,
            )


def change(frames: np.ndarray) -> float:
    """How much neighbouring frames (f h w 4) differ: changed pixels as a share of drawn ones."""
    following = np.roll(frames, -1, 0)
    changed = (frames != following).any(-1).sum()
    return float(changed / max(1, ((frames[..., 3] > 0) | (following[..., 3] > 0)).sum()))


def _captions(entry: Mapping[str, Any], words: str, draw: random.Random) -> tuple[str, ...]:
    caption, tags = entry["caption"], entry["tags"]
    some = ", ".join(draw.sample(tags, min(3, len(tags)))) or entry["body"]
    made = [f"{caption}, {words}", f"{some}, {words}", with_synonyms(f"{caption}, {words}", draw)]
    return tuple(dict.fromkeys(made))


def icon_sequences(archive: zipfile.ZipFile, report: Report) -> Iterator[Sequence]:
    """The shimmer of each animated icon: the action ``glow``."""
    for name in sorted(archive.namelist()):
        if not name.startswith("icons/artifact") or not name.endswith(".png"):
            continue
        listed = json.loads(archive.read(name.removesuffix(".png") + ".json"))["frames"]
        frames = max(listed.values(), key=len, default=[])
        if len(frames) < 8:
            report.drop("icon that does not move")
            continue
        sheet = Image.open(io.BytesIO(archive.read(name))).convert("RGBA")
        canvases = []
        for frame in frames[:MAX_FRAMES]:
            picture = sheet.crop((frame["x0"], frame["y0"], frame["x1"], frame["y1"]))
            canvas = Image.new("RGBA", (CANVAS_PX, CANVAS_PX))
            canvas.paste(picture, ((CANVAS_PX - picture.width) // 2, (CANVAS_PX - picture.height) // 2))
            canvases.append(clean(np.asarray(canvas)))
        made = np.stack(canvases)
        noun = icon_noun(name)
        yield Sequence(
            made, made[:1], "glow", None, (f"{noun}, glowing",), "icon", name.removesuffix(".png"), 1
        )
