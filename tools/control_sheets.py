"""Draws the before/after sheets of docs/control.md with the bundled models; nothing is picked.

python -m tools.control_sheets [--out docs]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from generators.png import encode_png
from generators.recipe import Kind, Recipe
from generators.source_picture import mask_png
from generators.sprite_generator import SpriteGenerator

CELL_PX, GAP_PX, LABEL_PX = 128, 6, 16
GROUND, INK = (58, 56, 66, 255), (222, 220, 228, 255)
Labelled = tuple[str, NDArray[np.uint8]]  # what is written above it, and the picture (h w 4)


def sheet(rows: Sequence[Sequence[Labelled]], path: Path) -> None:
    """Writes rows of labelled pictures, each scaled up by a whole number to fill its cell."""
    across = max(map(len, rows))
    step_x, step_y = CELL_PX + GAP_PX, CELL_PX + LABEL_PX + GAP_PX
    canvas = Image.new("RGBA", (across * step_x + GAP_PX, len(rows) * step_y + GAP_PX), GROUND)
    pen = ImageDraw.Draw(canvas)
    for y, row in enumerate(rows):
        for x, (label, pixels) in enumerate(row):
            left, top = GAP_PX + x * step_x, GAP_PX + y * step_y
            pen.text((left, top), label, INK)
            scale = max(1, CELL_PX // pixels.shape[0])
            image = Image.fromarray(pixels.repeat(scale, 0).repeat(scale, 1))
            canvas.alpha_composite(image, (left, top + LABEL_PX))
    canvas.convert("RGB").quantize(64).save(path, optimize=True)
    print(f"{path} ({path.stat().st_size:,d} bytes)")


class Easel:
    """Draws recipes, and keeps the pictures that further ones start from."""

    def __init__(self) -> None:
        self._generator = SpriteGenerator()
        self._pictures: dict[str, bytes] = {}

    def draw(self, prompt: str, kind: Kind, seed: int, **fields: object) -> NDArray[np.uint8]:
        recipe: Recipe = self._generator.recipe(prompt, kind, seed, **fields)
        return self._generator.draw([recipe], pictures=self._pictures.__getitem__)[0].pixels

    def keep(self, name: str, data: bytes) -> str:
        self._pictures[name] = data
        return name


def negative(easel: Easel, out: Path) -> None:
    """The same prompt and seed, with and without words to keep out."""
    asked = [
        ("red robe armour", Kind.ITEM, "red"),
        ("knight, golden shield", Kind.CHARACTER, "shield"),
        ("grass floor tile", Kind.TILE, "green"),
    ]
    rows = [
        [
            (prompt, easel.draw(prompt, kind, 2, size=32)),
            (f"--negative {words}", easel.draw(prompt, kind, 2, size=32, negative_prompt=words)),
        ]
        for prompt, kind, words in asked
    ]
    sheet([[cell for row in rows for cell in row]], out / "control-negative.png")


def weights(easel: Easel, out: Path) -> None:
    """One word from nothing to twice and a half."""
    rows = [
        [
            (f"({word}:{weight:g}) {rest}", easel.draw(f"({word}:{weight:g}) {rest}", kind, 4, size=32))
            for weight in (0, 0.5, 1, 1.5, 2.5)
        ]
        for word, rest, kind in (
            ("blue", "potion bottle", Kind.ITEM),
            ("red", "robe armour", Kind.ITEM),
        )
    ]
    sheet(rows, out / "control-weights.png")


def variations(easel: Easel, out: Path) -> None:
    """An asset, and pictures that start from it with other seeds."""
    rows = []
    for prompt, kind, size in (
        ("wizard with blue robe, staff", Kind.CHARACTER, 32),
        ("a white ice golem with blue crystals", Kind.CHARACTER, 64),
    ):
        first = easel.draw(prompt, kind, 5, size=size)
        name = easel.keep(prompt, encode_png(first, 1, {}))
        rows.append(
            [("the asset", first)]
            + [
                (
                    f"vary --strength {s:g}",
                    easel.draw(prompt, kind, 6, size=size, source_cid=name, strength=s),
                )
                for s in (0.25, 0.5, 0.75)
            ]
        )
    sheet(rows, out / "control-variations.png")


def from_picture(easel: Easel, out: Path) -> None:
    """A rough drawing, and what a prompt makes of it."""
    rough = np.zeros((32, 32, 4), np.uint8)
    rough[12:28, 9:23] = (40, 110, 60, 255)  # a block of colours such as anyone can paint
    rough[6:12, 12:20] = (220, 170, 120, 255)
    rough[4:30, 25:27] = (120, 80, 40, 255)
    name = easel.keep("rough", encode_png(rough, 1, {}))
    prompts = ("wizard with green robe, staff", "elf woman ranger with bow, green cloak", "skeleton monster")
    drawn = [
        (
            f"--strength {strength:g}",
            easel.draw(prompt, Kind.CHARACTER, 1, size=32, source_cid=name, strength=strength),
        )
        for prompt in prompts
        for strength in (0.7, 0.85)
    ]
    sheet([[("painted by hand", rough), *drawn]], out / "control-from.png")


def within_mask(easel: Easel, out: Path) -> None:
    """Only the masked half of a bottle, and of a floor, is drawn anew."""
    rows = []
    for prompt, anew, kind in (
        ("red potion bottle", "blue potion bottle", Kind.ITEM),
        ("grass floor tile", "lava floor tile", Kind.TILE),
    ):
        first = easel.draw(prompt, kind, 0, size=32)
        mask = np.zeros((32, 32), bool)
        mask[16:] = True
        fields = {
            "source_cid": easel.keep("picture", encode_png(first, 1, {})),
            "mask_cid": easel.keep("mask", mask_png(mask)),
        }
        shown = np.full((32, 32, 4), 255, np.uint8)
        shown[~mask, :3] = 0
        fields |= {"strength": 1.0, "palette": 48}
        made = [easel.draw(anew, kind, seed, size=32, **fields) for seed in (1, 2)]
        rows.append([("the picture", first), ("--mask", shown), *((anew, pixels) for pixels in made)])
    sheet(rows, out / "control-mask.png")


def seamless(easel: Easel, out: Path) -> None:
    """Two by two of a tile, as drawn and seamless."""
    rows = []
    for prompt in ("grey stone brick wall tile", "lava floor tile", "water tile"):
        plain, joined = (easel.draw(prompt, Kind.TILE, 3, seamless=joins) for joins in (False, True))
        rows += [(prompt, np.tile(plain, (2, 2, 1))), ("--seamless", np.tile(joined, (2, 2, 1)))]
    sheet([rows], out / "control-seamless.png")


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the sheets of docs/control.md.")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    args = parser.parse_args()
    easel = Easel()
    for draw_sheet in (negative, weights, variations, from_picture, within_mask, seamless):
        draw_sheet(easel, args.out)


if __name__ == "__main__":
    main()
