"""The training set on disk: uint8 memory maps by size, captions as JSON lines, and a report."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.sprites.picture import Picture, Report


@dataclass(frozen=True)
class SpriteSet:
    """Pictures of one size. ``pixels``: n size size 4 uint8; the other fields have n entries each."""

    pixels: NDArray[np.uint8]
    captions: list[tuple[str, ...]]
    kinds: list[str]
    subjects: list[str]
    held_out: NDArray[np.bool_]


def write_set(folder: Path, size_px: int, pictures: Iterable[Picture], report: Report) -> int:
    """Writes the de-duplicated ``pictures`` of one size; returns how many were kept."""
    seen: set[bytes] = set()
    kept: list[Picture] = []
    for picture in pictures:
        if picture.fingerprint in seen:
            report.drop("the same pixels, or their mirror image, already kept")
            continue
        seen.add(picture.fingerprint)
        kept.append(picture)
        split = "held out" if picture.held_out else "training"
        report.kept[f"{size_px} px {picture.kind}, {split}"] += 1
    np.save(folder / f"pixels-{size_px}.npy", np.stack([picture.pixels for picture in kept]))
    with (folder / f"captions-{size_px}.jsonl").open("w", encoding="utf-8") as file:
        for picture in kept:
            row = {"captions": picture.captions, "kind": picture.kind, "subject": picture.subject}
            file.write(json.dumps(row | {"held_out": picture.held_out}) + "\n")
    return len(kept)


def read_set(folder: Path, size_px: int) -> SpriteSet:
    """The set of one size that ``write_set`` wrote, pixels memory-mapped."""
    with (folder / f"captions-{size_px}.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return SpriteSet(
        pixels=np.load(folder / f"pixels-{size_px}.npy", mmap_mode="r"),
        captions=[tuple(row["captions"]) for row in rows],
        kinds=[row["kind"] for row in rows],
        subjects=[row["subject"] for row in rows],
        held_out=np.array([row["held_out"] for row in rows]),
    )
