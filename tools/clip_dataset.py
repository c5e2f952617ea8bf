"""Makes the clip training set from the CC0 archives, and prints what it kept and why.

    python -m tools.clip_dataset --art DIR [--out runs/clips]

DIR holds duelyst-cc0.zip and crawl-tiles-cc0.zip (see tools/sprite_dataset.py for where they come from) and
superpowers-cc0.zip, the asset packs of https://github.com/sparklinlabs/superpowers-asset-packs. All are CC0 1.0. The
art stays out of this repository; trained weights do not.
"""

import argparse
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from generators.motion import ACTIONS
from tools.clips.dataset import ClipSet, read_set, write_set
from tools.clips.ninja import ninja_sequences
from tools.clips.sequence import CANVAS_PX, Sequence
from tools.clips.stills import still_sequences
from tools.clips.units import icon_sequences, unit_sequences
from tools.sprites.picture import Report
from tools.sprites.text_cache import write_text_cache

ARCHIVES = ("duelyst-cc0.zip", "crawl-tiles-cc0.zip", "superpowers-cc0.zip")
LIMITS = {"item": 900, "monster": 500, "doll": 600}


def sequences(art: Path, report: Report) -> Iterator[Sequence]:
    """Everything: animated units and icons, ninja sheets, and single pictures set in motion by rule."""
    units, crawl, packs = (zipfile.ZipFile(art / name) for name in ARCHIVES)
    with units, crawl, packs:
        yield from unit_sequences(units, report)
        yield from icon_sequences(units, report)
        yield from ninja_sequences(packs, report)
        yield from still_sequences(crawl, packs, report, LIMITS)


def contact_sheet(made: ClipSet, path: Path, each: int = 3, frames: int = 8) -> None:
    """A few sequences of each action, a row each, to look at: the reference, then the frames."""
    draw = np.random.default_rng(0)
    rows = []
    for action in ACTIONS:
        found = [row for row in made.rows if row.action == action]
        rows += [found[i] for i in draw.choice(len(found), min(each, len(found)), replace=False)]
    sheet = Image.new("RGBA", ((frames + 1) * CANVAS_PX, len(rows) * CANVAS_PX), (64, 62, 72, 255))
    for y, row in enumerate(rows):
        picked = [row.references[0], *(row.frames[k * len(row.frames) // frames] for k in range(frames))]
        for x, index in enumerate(picked):
            sheet.alpha_composite(
                Image.fromarray(np.array(made.pixels[index])), (x * CANVAS_PX, y * CANVAS_PX)
            )
    sheet.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the clip training set from CC0 archives.")
    parser.add_argument("--art", type=Path, required=True, help="folder with the archives")
    parser.add_argument("--out", type=Path, default=Path("runs/clips"), help="where to write the set")
    args = parser.parse_args()
    for name in ARCHIVES:
        if not (args.art / name).is_file():
            parser.error(f"{args.art / name} is missing; see the top of tools/clip_dataset.py for its source")
    args.out.mkdir(parents=True, exist_ok=True)
    report = Report()
    write_set(args.out, sequences(args.art, report), report)
    made = read_set(args.out)
    contact_sheet(made, args.out / "sheet.png")
    write_text_cache(args.out, CANVAS_PX, [row.captions for row in made.rows])
    told = report.table() + f"\n{len(made.rows):,d} sequences of {len(made.pixels):,d} distinct pictures"
    (args.out / "report.txt").write_text(told + "\n", encoding="utf-8")
    print(told)


if __name__ == "__main__":
    main()
