"""Walks in four directions from the ninja sheets of the Superpowers packs (CC0): 16 px cells, a column a direction."""

import io
import zipfile
from collections.abc import Iterator

import numpy as np
from PIL import Image

from generators.motion import ACTIONS, Direction
from tools.clips.sequence import Sequence, enlarged, on_canvas
from tools.sprites.colours import colour_words
from tools.sprites.picture import Report, clean

CELL_PX = 16
COLUMNS = {Direction.DOWN: 0, Direction.UP: 1, Direction.RIGHT: 3}  # column 2 is the mirror image of 3
WALK_ROWS, ATTACK_ROWS = (0, 1, 2, 3), (0, 4, 4, 4, 0)
TIMES = (3, 4)  # how many times enlarged: as tall as a 64 px figure, and as a 32 px one


def ninja_sequences(archive: zipfile.ZipFile, report: Report) -> Iterator[Sequence]:
    """Walks and attacks in each direction; what is given beforehand is the figure seen from the front or the side."""
    for name in sorted(archive.namelist()):
        folder, _, stem = name.rpartition("/")
        noun = {"ninja-adventure/characters": "ninja", "ninja-adventure/monsters": "monster"}.get(folder)
        if noun is None or not stem.removesuffix(".png").isdigit():
            continue
        sheet = clean(np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGBA")))
        rows = sheet.shape[0] // CELL_PX
        if sheet.shape[1] != 4 * CELL_PX or rows < len(WALK_ROWS):
            report.drop("sheet of another layout")
            continue
        cells = sheet.reshape(rows, CELL_PX, 4, CELL_PX, 4).transpose(2, 0, 1, 3, 4)
        colours = " and ".join(colour_words(cells[0, 0]))
        for direction, column in COLUMNS.items():
            for action, order in (("walk", WALK_ROWS), ("attack", ATTACK_ROWS if rows > 4 else ())):
                if not order:
                    continue
                seen_from = (column, 0) if direction is Direction.RIGHT else (0,)
                for times in TIMES:
                    words = ACTIONS[action].words
                    yield Sequence(
                        frames=on_canvas(enlarged(cells[column, list(order)], times)),
                        references=on_canvas(enlarged(cells[list(seen_from), 0], times)),
                        action=action,
                        direction=direction,
                        captions=(f"{colours} {noun}, {words}".strip(), f"small {noun}, {words}"),
                        kind="ninja",
                        subject=f"ninja/{name}",
                        art_px=times,
                    )
