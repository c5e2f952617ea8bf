"""Makes the sprite training set from the CC0 archives, and prints what it kept and why.

    python -m tools.sprite_dataset --art DIR [--out runs/dataset] [--dolls 10000]

DIR holds crawl-tiles-cc0.zip and duelyst-cc0.zip. Without them, make each from its public repository:
  crawl-tiles-cc0.zip  the folder crawl-ref/source/rltiles of https://github.com/crawl/crawl, zipped from inside
  duelyst-cc0.zip      units/ and icons/ (PNG + JSON frame lists) of https://github.com/t73liu/open-duelyst-assets
Both are CC0 1.0. The art stays out of this repository; trained weights do not.
"""

import argparse
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tools.sprites.crawl import crawl_pictures
from tools.sprites.dataset import read_set, write_set
from tools.sprites.dolls import compose_dolls, doll_parts
from tools.sprites.picture import Picture, Report
from tools.sprites.text_cache import write_text_cache
from tools.sprites.units import icon_pictures, unit_pictures


def small_pictures(art: Path, dolls: int, report: Report) -> Iterator[Picture]:
    """Everything at 32 px: the single pictures of the Crawl archive, and ``dolls`` composed characters."""
    with zipfile.ZipFile(art / "crawl-tiles-cc0.zip") as archive:
        yield from crawl_pictures(archive, report)
        yield from compose_dolls(doll_parts(archive, report), dolls)


def fine_pictures(art: Path, report: Report) -> Iterator[Picture]:
    """Everything at 64 px: the units and icons of the Duelyst archive."""
    with zipfile.ZipFile(art / "duelyst-cc0.zip") as archive:
        yield from unit_pictures(archive, report)
        yield from icon_pictures(archive, report)


def contact_sheet(folder: Path, size_px: int, cells: int = 160, across: int = 20) -> None:
    """A sheet of random pictures of a written set, to look at, with their captions beside it."""
    made = read_set(folder, size_px)
    cells = min(cells, len(made.captions))
    picks = np.random.default_rng(0).choice(len(made.captions), cells, replace=False)
    sheet = Image.new("RGBA", (across * size_px, -(-cells // across) * size_px), (64, 62, 72, 255))
    for cell, index in enumerate(picks):
        at = (cell % across * size_px, cell // across * size_px)
        sheet.alpha_composite(Image.fromarray(np.array(made.pixels[index])), at)
    scale = 2 if size_px == 32 else 1
    sheet.resize((sheet.width * scale, sheet.height * scale), Image.Resampling.NEAREST).save(
        folder / f"sheet-{size_px}.png"
    )
    lines = [f"{n // across}.{n % across}  {' | '.join(made.captions[i])}" for n, i in enumerate(picks)]
    (folder / f"sheet-{size_px}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the sprite training set from CC0 archives.")
    parser.add_argument("--art", type=Path, required=True, help="folder with the archives")
    parser.add_argument("--out", type=Path, default=Path("runs/dataset"), help="where to write the set")
    parser.add_argument("--dolls", type=int, default=10_000, help="characters to compose from layers")
    args = parser.parse_args()
    for name in ("crawl-tiles-cc0.zip", "duelyst-cc0.zip"):
        if not (args.art / name).is_file():
            parser.error(
                f"{args.art / name} is missing; see the top of tools/sprite_dataset.py for its source"
            )
    args.out.mkdir(parents=True, exist_ok=True)
    report = Report()
    write_set(args.out, 32, small_pictures(args.art, args.dolls, report), report)
    write_set(args.out, 64, fine_pictures(args.art, report), report)
    for size_px in (32, 64):
        contact_sheet(args.out, size_px)
        write_text_cache(args.out, size_px, read_set(args.out, size_px).captions)
    (args.out / "report.txt").write_text(report.table() + "\n", encoding="utf-8")
    print(report.table())


if __name__ == "__main__":
    main()
