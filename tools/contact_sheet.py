"""Draws the pictures of the README and the model card with the bundled models: fixed prompts, seeds 0, 1, 2 …

python -m tools.contact_sheet [--out docs]
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from generators.recipe import Kind
from generators.sprite_generator import SpriteGenerator
from tools.sprites.sheet import BACKGROUND, PROMPTS, tile

CHARACTERS = PROMPTS[64]
ITEMS = (
    "red potion bottle",
    "blue potion bottle",
    "golden ring",
    "emerald amulet",
    "long sword",
    "battle axe weapon",
    "wooden shield",
    "blue robe armour",
    "magic staff",
    "brown leather book",
    "scroll",
    "red apple food",
)
TILES = (
    "grass floor tile",
    "lava floor tile",
    "grey stone brick wall tile",
    "brown brick wall tile",
    "deep water tile",
    "ice floor tile",
    "sand floor tile",
    "crystal wall tile",
    "tree",
    "closed door",
    "marble floor tile",
    "dirt floor tile",
)
SMALL_CHARACTERS = (*PROMPTS[32][:10], "priest with white robe and mace", "rogue with dagger, black hood")


def rows(
    generator: SpriteGenerator, prompts: tuple[str, ...], kind: Kind, size: int, seeds: int
) -> list[np.ndarray]:
    """One row of finished pictures a seed (b size size 4)."""
    made = []
    for seed in range(seeds):
        recipes = [generator.recipe(prompt, kind, seed, size=size) for prompt in prompts]
        made.append(np.stack([picture.pixels for picture in generator.draw(recipes)]))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the contact sheets of the documentation.")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    args = parser.parse_args()
    generator = SpriteGenerator()
    fine = rows(generator, CHARACTERS, Kind.CHARACTER, 64, 2)
    small = [
        row
        for prompts, kind in ((SMALL_CHARACTERS, Kind.CHARACTER), (ITEMS, Kind.ITEM), (TILES, Kind.TILE))
        for row in rows(generator, prompts, kind, 32, 2)
    ]
    tile(fine, args.out / "samples-64.png", across=6, scale=3)
    tile(small, args.out / "samples-32.png", across=12, scale=3)
    parts = [Image.open(args.out / f"samples-{size}.png") for size in (64, 32)]
    sheet = Image.new("RGBA", (parts[0].width, sum(part.height for part in parts)), BACKGROUND)
    sheet.paste(parts[0], (0, 0))
    sheet.paste(parts[1], (0, parts[0].height))
    sheet.save(args.out / "contact-sheet.png", optimize=True)


if __name__ == "__main__":
    main()
