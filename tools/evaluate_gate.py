"""Prints how many pictures pass the quality gate, and which checks fail: drawn ones by kind, and the training art.

    python -m tools.evaluate_gate [--pictures 200] [--data runs/dataset]

Drawn pictures are finished by both versions of the rules, so that what mending does can be seen. The art needs the set
that tools.sprite_dataset makes; without it only drawn pictures are measured.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from generators.bundle import SIZES_PX
from generators.finishing import finished_pixels
from generators.novelty import NoveltyIndex
from generators.order import Order
from generators.progress import MAX_BATCH
from generators.quality_gate import NearCopies, Rules, failed, inspect
from generators.recipe import DEFAULT_COLOURS, Kind
from generators.sprite_generator import SpriteGenerator
from tools.sprites.dataset import read_set
from tools.sprites.sheet import PROMPTS

DRAWN = (  # kind, size, and which of the sheet's prompts
    (Kind.CHARACTER, 64, slice(0, 12)),
    (Kind.CHARACTER, 32, slice(0, 10)),
    (Kind.ITEM, 32, slice(10, 18)),
    (Kind.TILE, 32, slice(18, 24)),
)
ART_KINDS = {"doll": Kind.CHARACTER, "monster": Kind.CHARACTER, "unit": Kind.CHARACTER, "tile": Kind.TILE}
MOST_ART = 600  # of each kind


def rate(pictures: Iterable[np.ndarray], kind: Kind, version: int, near: NearCopies | None) -> str:
    """The share that passes, and how often each check fails."""
    count, passed, broken = 0, 0, Counter[str]()
    for pixels in pictures:
        rules = Rules(kind, DEFAULT_COLOURS if version else None)
        finished = finished_pixels(pixels, rules, version) if version else pixels
        names = [check.name for check in failed(inspect(finished, rules, near))]
        broken.update(names)
        count, passed = count + 1, passed + (not names)
    told = ", ".join(f"{name} {times}" for name, times in broken.most_common())
    return f"{100 * passed / count:5.1f} % of {count}" + (f"; {told}" if told else "")


def drawn(
    generator: SpriteGenerator, kind: Kind, size: int, prompts: tuple[str, ...], count: int
) -> np.ndarray:
    """Pictures as drawn, before any finishing (n s s 4)."""
    recipes = [generator.recipe(prompts[seed % len(prompts)], kind, seed, size=size) for seed in range(count)]
    made: list[np.ndarray] = []
    for begin in range(0, count, MAX_BATCH):
        orders = [Order(recipe) for recipe in recipes[begin : begin + MAX_BATCH]]
        made.extend(generator.draw_batch(orders, lambda *_: None))
    return np.stack(made)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure who passes the quality gate.")
    parser.add_argument("--pictures", type=int, default=200, help="drawn of each kind")
    parser.add_argument("--data", type=Path, default=Path("runs/dataset"))
    args = parser.parse_args()
    generator, near = SpriteGenerator(), NoveltyIndex.load()
    for kind, size, chosen in DRAWN:
        pictures = drawn(generator, kind, size, PROMPTS[size][chosen], args.pictures)
        for version in (1, 2):
            print(
                f"drawn {kind} {size} px, version {version}: {rate(pictures, kind, version, near)}",
                flush=True,
            )
    for size in SIZES_PX if args.data.exists() else ():
        art = read_set(args.data, size)
        kinds = np.array(art.kinds)
        for name in sorted(set(art.kinds) - {"effect"}):
            rows = np.flatnonzero(kinds == name)
            rows = rows[:: max(1, len(rows) // MOST_ART)][:MOST_ART]
            pictures = np.stack([art.pixels[row] for row in rows])
            for told, version in (("as it is", 0), ("mended", 2)):
                found = rate(pictures, ART_KINDS.get(name, Kind.ITEM), version, None)
                print(f"art {name} {size} px, {told}: {found}", flush=True)


if __name__ == "__main__":
    main()
