"""Draws docs/clips.png and docs/clips.gif: clips of fixed prompts and seeds, eight frames each, nothing picked.

python -m tools.clip_sheets
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generators.animation import Animation
from generators.gif import gif_bytes
from generators.motion import Direction
from generators.picture_generator import PictureGenerator
from generators.recipe import Kind
from generators.sprite_generator import SpriteGenerator
from tools.contact_sheet import CHARACTERS, SMALL_CHARACTERS

# Size, action and direction of the first prompts of the other sheets; the seed is the place in the list.
FINE: tuple[tuple[str, Direction], ...] = (
    ("idle", Direction.RIGHT),
    ("walk", Direction.RIGHT),
    ("run", Direction.RIGHT),
    ("attack", Direction.RIGHT),
    ("cast", Direction.RIGHT),
    ("hurt", Direction.LEFT),
    ("die", Direction.LEFT),
    ("attack", Direction.LEFT),
)
SMALL = ("idle", "walk", "attack", "die")
THINGS = (
    ("red potion bottle", "float"),
    ("golden ring", "spin"),
    ("brown leather book", "burn"),
    ("emerald amulet", "glow"),
    ("closed door", "open"),
    ("deep water tile", "water"),
    ("lava floor tile", "lava"),
    ("long sword", "glow"),
)
FRAMES, FRAME_MS, CELL_PX, SCALE, ACROSS = 8, 110, 64, 2, 10
GROUND = (64, 62, 72, 255)


def drawn_clips() -> list[NDArray[np.uint8]]:
    """Each clip on the canvas (f 64 64 4), 32 px ones at twice their size, on the sheet's ground."""
    generator = PictureGenerator(SpriteGenerator())
    asked: list[tuple[str, dict[str, Any]]] = [
        (prompt, {"action": action, "direction": facing, "size": 64})
        for prompt, (action, facing) in zip(CHARACTERS[: len(FINE)], FINE, strict=True)
    ]
    asked += [
        (prompt, {"action": action, "size": 32})
        for prompt, action in zip(SMALL_CHARACTERS[: len(SMALL)], SMALL, strict=True)
    ]
    asked += [(prompt, {"action": action}) for prompt, action in THINGS]
    recipes = [
        generator.recipe(prompt, Kind.CLIP, seed, frames=FRAMES, **wanted)
        for seed, (prompt, wanted) in enumerate(asked)
    ]
    made = []
    for clip in generator.draw(recipes):
        times = CELL_PX // clip.pixels.shape[1]
        frames = clip.pixels.repeat(times, 1).repeat(times, 2)
        made.append(np.where(frames[..., 3:] > 0, frames, np.array(GROUND, np.uint8)))
    return made


def draw_sheet(clips: Sequence[NDArray[np.uint8]], path: Path) -> None:
    """A row a clip, in two columns."""
    half = -(-len(clips) // 2)
    width = (2 * FRAMES + 1) * CELL_PX
    sheet = np.full((half * CELL_PX, width, 4), GROUND, np.uint8)
    for place, frames in enumerate(clips):
        top, left = place % half * CELL_PX, place // half * (FRAMES + 1) * CELL_PX
        sheet[top : top + CELL_PX, left : left + FRAMES * CELL_PX] = np.concatenate(frames, 1)
    large = Image.fromarray(sheet.repeat(SCALE, 0).repeat(SCALE, 1)).convert("RGB")
    large.quantize(256).save(path, optimize=True)


def draw_moving(clips: Sequence[NDArray[np.uint8]], path: Path) -> None:
    """All clips beside one another, moving."""
    rows = -(-len(clips) // ACROSS)
    grid = np.full((FRAMES, rows * CELL_PX, ACROSS * CELL_PX, 4), GROUND, np.uint8)
    for place, frames in enumerate(clips):
        top, left = place // ACROSS * CELL_PX, place % ACROSS * CELL_PX
        grid[:, top : top + CELL_PX, left : left + CELL_PX] = frames
    path.write_bytes(gif_bytes(Animation("clips", grid, FRAME_MS, loops=True), SCALE))


if __name__ == "__main__":
    made = drawn_clips()
    draw_sheet(made, Path("docs/clips.png"))
    draw_moving(made, Path("docs/clips.gif"))
