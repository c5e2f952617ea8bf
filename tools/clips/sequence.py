"""One training sequence: frames of one subject doing one thing, with the picture that it starts from."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.motion import Direction
from tools.sprites.picture import HELD_OUT_PARTS

CANVAS_PX = 64


@dataclass(frozen=True)
class Sequence:
    """``frames``: f 64 64 4, uint8, straight alpha; ``references``: r 64 64 4, resting pictures of the same subject.

    ``kind`` is one of unit, icon, ninja, doll, monster, item, tile; ``art_px`` how many pixels of the canvas a pixel
    of the art takes a side. ``direction`` is None where nothing faces anywhere. ``captions``: best first, with the
    action's words.
    """

    frames: NDArray[np.uint8]
    references: NDArray[np.uint8]
    action: str
    direction: Direction | None
    captions: tuple[str, ...]
    kind: str
    subject: str
    art_px: int

    @property
    def held_out(self) -> bool:
        """By subject, as the sprite set holds out: no frame of it is ever trained on."""
        return _draw(self.subject) == 0

    @property
    def held_out_pair(self) -> bool:
        """By subject and action: the subject is trained on, but not doing this."""
        return _draw(f"{self.subject}/{self.action}") == 1


def _draw(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % HELD_OUT_PARTS


def enlarged(pixels: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """Each pixel of ``pixels`` (… h w 4) as a square of ``times`` pixels."""
    return pixels.repeat(times, -3).repeat(times, -2)


def on_canvas(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``pixels`` (… h w 4, at most 64 a side) on a clear canvas, centred, standing on its bottom."""
    height, width = pixels.shape[-3:-1]
    canvas = np.zeros((*pixels.shape[:-3], CANVAS_PX, CANVAS_PX, 4), np.uint8)
    left = (CANVAS_PX - width) // 2
    canvas[..., CANVAS_PX - height :, left : left + width, :] = pixels
    canvas[canvas[..., 3] < 8] = 0
    return canvas
