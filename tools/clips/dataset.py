"""The clip set on disk: every distinct frame once, and sequences that point into them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.clips.sequence import CANVAS_PX, Sequence
from tools.sprites.picture import Report


@dataclass(frozen=True)
class Row:
    """One sequence. ``frames`` and ``references`` are indices of pictures; the rest is as in ``Sequence``."""

    frames: tuple[int, ...]
    references: tuple[int, ...]
    action: str
    direction: str | None
    captions: tuple[str, ...]
    kind: str
    subject: str
    art_px: int
    held_out: bool
    held_out_pair: bool


@dataclass(frozen=True)
class ClipSet:
    """``pixels``: n 64 64 4 uint8, memory-mapped."""

    pixels: NDArray[np.uint8]
    rows: list[Row]


def write_set(folder: Path, sequences: Iterable[Sequence], report: Report) -> None:
    """Writes frames.u8 and sequences.jsonl; a picture that occurs twice is kept once."""
    places: dict[bytes, int] = {}
    with (folder / "frames.u8").open("wb") as frames, (folder / "sequences.jsonl").open("w") as lines:

        def place(picture: NDArray[np.uint8]) -> int:
            data = np.ascontiguousarray(picture).tobytes()
            if data not in places:
                frames.write(data)
                places[data] = len(places)
            return places[data]

        for sequence in sequences:
            row = {
                "frames": [place(frame) for frame in sequence.frames],
                "references": [place(reference) for reference in sequence.references],
                "action": sequence.action,
                "direction": sequence.direction,
                "captions": sequence.captions,
                "kind": sequence.kind,
                "subject": sequence.subject,
                "art_px": sequence.art_px,
                "held_out": sequence.held_out,
                "held_out_pair": sequence.held_out_pair,
            }
            lines.write(json.dumps(row) + "\n")
            split = (
                "held-out subject"
                if sequence.held_out
                else "held-out pair"
                if sequence.held_out_pair
                else "training"
            )
            report.kept[f"{sequence.kind:<8} {sequence.action:<7} {split}"] += 1


def read_set(folder: Path) -> ClipSet:
    """The set that ``write_set`` wrote."""
    with (folder / "sequences.jsonl").open(encoding="utf-8") as file:
        rows = [
            Row(**{k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(line).items()})
            for line in file
        ]
    pixels = np.memmap(folder / "frames.u8", np.uint8, "r").reshape(-1, CANVAS_PX, CANVAS_PX, 4)
    return ClipSet(pixels, rows)
