"""Measures how well a style holds pictures together, and draws the sheets of docs/styles.md.

    python -m tools.evaluate_style [--out docs] [--seeds 4]

The palette distance is the weighted Chamfer distance in Oklab (generators.style_reference.palette_distance), the
feature distance that between the judge's unit vectors; both in the mean over all pairs: of pictures without a style, of
pictures within one style, and of pictures of two styles.
"""

import argparse
from collections.abc import Callable, Sequence
from itertools import combinations, product
from pathlib import Path

import numpy as np

from generators.finishing import finished_pixels
from generators.judge import Judge, load_judge
from generators.named_palettes import named_palette
from generators.quality_gate import Rules
from generators.recipe import DEFAULT_COLOURS, Kind
from generators.sprite_generator import SpriteGenerator
from generators.style import Style
from generators.style_reference import palette_distance
from tools.control_sheets import sheet

SET = (
    (Kind.CHARACTER, "a knight in silver armour with a red cape and a long sword"),
    (Kind.CHARACTER, "a purple demon with horns"),
    (Kind.ITEM, "red potion bottle"),
    (Kind.ITEM, "brown leather book"),
    (Kind.TILE, "grass floor tile"),
    (Kind.TILE, "tree"),
)
STYLES = (
    Style.make(name="frost", palette=named_palette("sweetie-16"), outline="#1a1c2c"),
    Style.make(name="handheld", palette=named_palette("game-boy"), outline="#0f380f"),
)
LINES = (
    ("as drawn", None, None),
    ("outline none", "none", None),
    ("#140c1c", "#140c1c", None),
    ("#ffffff", "#ffffff", None),
    ("on #597dce", "#140c1c", "#597dce"),
)
PALETTES = ("game-boy", "pico-8", "c64", "db32", "endesga-32", "slso8")
Pictures = list[np.ndarray]
Distance = Callable[[np.ndarray, np.ndarray], float]


def styled(generator: SpriteGenerator, style: Style | None, seeds: int) -> Pictures:
    """The set's pictures, seed by seed."""
    recipes = [
        generator.recipe(
            kind=kind, seed=seed, **(style.fields_for(kind, prompt) if style else {"prompt": prompt})
        )
        for seed in range(seeds)
        for kind, prompt in SET
    ]
    return [picture.pixels for picture in generator.draw(recipes)]


def spread(distance: Distance, first: Sequence, second: Sequence | None = None) -> float:
    """The mean distance of all pairs within a list, or between two."""
    pairs = combinations(first, 2) if second is None else product(first, second)
    return float(np.mean([distance(a, b) for a, b in pairs]))


def seen(judge: Judge, pictures: Pictures) -> list[np.ndarray]:
    """The judge's feature of each picture (d)."""
    return [judge.see(pixels[None])[0] for pixels in pictures]


def print_distances(plain: Pictures, styles: Sequence[Pictures]) -> None:
    """Both measures, of nothing held together, of each style, and of the two against one another."""
    judge = load_judge()
    features = [seen(judge, pictures) for pictures in (plain, *styles)]
    for name, distance, (free, *held) in (
        ("palette", palette_distance, (plain, *styles)),
        ("feature", lambda a, b: float(np.linalg.norm(a - b)), features),
    ):
        print(f"{name} distance without a style      {spread(distance, free):.3f}")
        for style, pictures in zip(STYLES, held, strict=True):
            print(f"{name} distance within {style.name:<13} {spread(distance, pictures):.3f}")
        print(f"{name} distance between the two      {spread(distance, held[0], held[1]):.3f}")


def draw_sheets(
    plain: Pictures, drawn: Sequence[tuple[Kind, np.ndarray]], styles: Sequence[Pictures], out: Path
) -> None:
    """Writes palettes.png, outline.png, repair.png and style.png; ``drawn`` is as the networks drew it."""
    palettes = []
    for kind, pixels in (drawn[1], drawn[2], drawn[4]):
        # By nearest colour alone: what version 1 of the finishing rules does with four greens.
        flat = finished_pixels(pixels, Rules(kind, named_palette("game-boy")), version=1)
        row = [(name, finished_pixels(pixels, Rules(kind, named_palette(name)))) for name in PALETTES]
        own = finished_pixels(pixels, Rules(kind, DEFAULT_COLOURS))
        palettes.append([("32 of its own", own), *row, ("game-boy, nearest", flat)])
    sheet(palettes, out / "palettes.png")
    outlines = [
        [
            (label, finished_pixels(pixels, Rules(kind, 16, outline, ground)))
            for label, outline, ground in LINES
        ]
        for kind, pixels in (drawn[0], drawn[1], drawn[2], drawn[5])
    ]
    sheet(outlines, out / "outline.png")
    repairs = []
    for kind, pixels in (drawn[0], drawn[2], drawn[3]):
        rough = np.roll(pixels, -len(pixels) // 5, 0) if kind is Kind.CHARACTER else pixels.copy()
        rough[2, 3:5] = rough[5, -5:-3] = (220, 220, 60, 255)  # two specks
        versions = (("as drawn", 1), ("mended", 2))
        repairs += [(label, finished_pixels(rough, Rules(kind, 16), version)) for label, version in versions]
    sheet([repairs], out / "repair.png")
    named = zip(("no style", *(style.name for style in STYLES)), (plain, *styles), strict=True)
    sheet([[(name, pixels) for pixels in made[: len(SET)]] for name, made in named], out / "style.png")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure styles and draw their sheets.")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--seeds", type=int, default=4)
    args = parser.parse_args()
    generator = SpriteGenerator()
    plain = styled(generator, None, args.seeds)
    styles = [styled(generator, style, args.seeds) for style in STYLES]
    print_distances(plain, styles)
    as_drawn = [generator.recipe(prompt, kind, seed=0, palette=None) for kind, prompt in SET]
    drawn = [(kind, picture.pixels) for (kind, _), picture in zip(SET, generator.draw(as_drawn), strict=True)]
    draw_sheets(plain, drawn, styles, args.out)


if __name__ == "__main__":
    main()
