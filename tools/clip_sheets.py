"""Draws docs/clips.png: clips of fixed prompts and seeds, eight frames each, nothing picked.

python -m tools.clip_sheets
"""

from pathlib import Path

import numpy as np
from PIL import Image

from generators.motion import Direction
from generators.picture_generator import PictureGenerator
from generators.recipe import Kind
from generators.sprite_generator import SpriteGenerator

# Prompt, action, direction; the seed is the place in the list.
CLIPS: tuple[tuple[str, str, Direction | None], ...] = (
    ("a knight in silver armour with a sword", "idle", Direction.RIGHT),
    ("a knight in silver armour with a sword", "attack", Direction.RIGHT),
    ("a purple demon with horns", "run", Direction.RIGHT),
    ("a sorceress with a blue dress", "cast", Direction.RIGHT),
    ("a green orc with an axe", "hurt", Direction.RIGHT),
    ("a skeleton warrior", "die", Direction.RIGHT),
    ("a white ice golem with blue crystals", "walk", Direction.LEFT),
    ("a red dragon", "attack", Direction.LEFT),
    ("red potion bottle", "float", None),
    ("golden ring", "spin", None),
    ("brown leather book", "burn", None),
    ("blue gem", "glow", None),
    ("wooden door", "open", None),
    ("deep water tile", "water", None),
    ("lava floor tile", "lava", None),
)
FRAMES, CELL_PX, SCALE = 8, 64, 2
GROUND = (64, 62, 72, 255)


def draw_sheet(path: Path) -> None:
    """A row a clip, 32 px ones at twice their size."""
    generator = PictureGenerator(SpriteGenerator())
    recipes = [
        generator.recipe(prompt, Kind.CLIP, seed, action=action, direction=direction, frames=FRAMES)
        for seed, (prompt, action, direction) in enumerate(CLIPS)
    ]
    half = -(-len(recipes) // 2)
    sheet = Image.new("RGBA", ((2 * FRAMES + 1) * CELL_PX * SCALE, half * CELL_PX * SCALE), GROUND)
    for place, clip in enumerate(generator.draw(recipes)):
        row, column = place % half, place // half * (FRAMES + 1)
        for k, frame in enumerate(clip.pixels):
            times = CELL_PX * SCALE // frame.shape[0]
            picture = Image.fromarray(np.ascontiguousarray(frame.repeat(times, 0).repeat(times, 1)))
            sheet.alpha_composite(picture, ((column + k) * CELL_PX * SCALE, row * CELL_PX * SCALE))
    sheet.convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    draw_sheet(Path("docs/clips.png"))
