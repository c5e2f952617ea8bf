"""One training picture: pixels on a square canvas, with what is known of it."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

HELD_OUT_PARTS = 40  # one subject in forty is never trained on; raise it only with a new set name


@dataclass(frozen=True)
class Picture:
    """``pixels``: size size 4, uint8, straight alpha, clear pixels all zero. ``captions``: best first.

    ``kind`` is one of unit, icon, monster, item, tile, doll, effect; ``subject`` groups the pictures that show
    the same thing, so that a held-out subject is held out whole.
    """

    pixels: NDArray[np.uint8]
    captions: tuple[str, ...]
    kind: str
    subject: str

    @property
    def held_out(self) -> bool:
        return int(hashlib.sha256(self.subject.encode()).hexdigest(), 16) % HELD_OUT_PARTS == 0

    @property
    def fingerprint(self) -> bytes:
        """The same for a picture and its mirror image."""
        sides = (self.pixels, self.pixels[:, ::-1])
        return min(hashlib.sha256(np.ascontiguousarray(side).tobytes()).digest() for side in sides)


@dataclass
class Report:
    """What was kept, and what was dropped for which reason."""

    kept: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def drop(self, reason: str) -> None:
        self.dropped[reason] += 1

    def table(self) -> str:
        lines = ["kept"] + [f"  {n:7,d}  {what}" for what, n in sorted(self.kept.items())]
        lines += ["dropped"] + [f"  {n:7,d}  {why}" for why, n in self.dropped.most_common()]
        return "\n".join(lines)


def clean(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy whose clear pixels are all zero (their hidden colours would be noise to the model)."""
    out = pixels.copy()
    out[out[..., 3] < 8] = 0
    return out
