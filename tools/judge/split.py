"""Which pictures the judge never sees, and the groups in which captions compete."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tools.sprites.dataset import SpriteSet

# Only 59 subjects outside the dolls are held out from the sprite networks: too few captions to choose among. So the
# judge leaves out one subject in twelve more. Those are new to the judge, but not to the sprite networks.
RESERVED_PARTS = 12
# Group -> size in px and kind. Icons and effects have too few subjects to be ranked.
GROUPS: dict[str, tuple[int, str]] = {
    "characters, 64 px": (64, "unit"),
    "characters, 32 px": (32, "doll"),
    "monsters, 32 px": (32, "monster"),
    "items, 32 px": (32, "item"),
    "tiles, 32 px": (32, "tile"),
}


def reserved(subject: str) -> bool:
    """Whether the judge leaves this subject of the training split out."""
    return int(hashlib.sha256(f"judge/{subject}".encode()).hexdigest(), 16) % RESERVED_PARTS == 0


def unseen(pictures: SpriteSet) -> NDArray[np.bool_]:
    """Which pictures are new to the judge: the held-out ones and the reserved ones. Held-out dolls are plenty."""
    kept_back = [
        kind != "doll" and reserved(subject)
        for kind, subject in zip(pictures.kinds, pictures.subjects, strict=True)
    ]
    return pictures.held_out | np.array(kept_back)


def one_each(pictures: SpriteSet, rows: Sequence[int]) -> list[int]:
    """One picture of each subject in ``rows``, no two with the same first caption; the first, a resting pose."""
    captions: set[str] = set()
    subjects: set[str] = set()
    kept = []
    for row in rows:
        caption, subject = pictures.captions[row][0], pictures.subjects[row]
        if caption not in captions and subject not in subjects:
            captions.add(caption)
            subjects.add(subject)
            kept.append(row)
    return kept


def group_rows(pictures: SpriteSet, kind: str, among: NDArray[np.bool_]) -> list[int]:
    """One row for each subject of ``kind`` that ``among`` marks."""
    return one_each(pictures, [row for row in np.flatnonzero(among).tolist() if pictures.kinds[row] == kind])
