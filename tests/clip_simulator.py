"""A simulator of the clip model: the real asset's own pixels, moved by whole pixels instead of drawn anew."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from generators.animation import Animation
from generators.motion import ACTIONS

ReadPicture = Callable[[str], NDArray[np.uint8]]


class SimulatedClips:
    """Implements ``ClipSource``. A looping action sways the upper half; one that ends leans ever further.

    Facing left mirrors the picture. ``asked`` lists what was drawn, in order.
    """

    clip_model = "simulated/1"

    def __init__(self, read: ReadPicture) -> None:
        self._read = read
        self.asked: list[tuple[str, str, str | None]] = []

    def picture(self, asset_id: str) -> NDArray[np.uint8]:
        return self._read(asset_id)

    def animation(
        self, asset_id: str, action: str, direction: str | None, frames: int, seed: int
    ) -> Animation:
        self.asked.append((asset_id, action, direction))
        still = self._read(asset_id)
        if direction == "left":
            still = still[:, ::-1]
        moved = np.stack([_leaning(still, action, index, frames) for index in range(frames)])
        return Animation(
            f"{action}-{direction or 'front'}", moved, ACTIONS[action].frame_ms, ACTIONS[action].loops
        )


def _leaning(still: NDArray[np.uint8], action: str, index: int, frames: int) -> NDArray[np.uint8]:
    """The picture with its upper half moved sideways, at most 4 pixels; the feet stay."""
    out = still.copy()
    if action == "idle":
        sway = index * 2 // frames
    elif ACTIONS[action].loops:
        sway = round(2 * np.sin(2 * np.pi * index / frames))
    else:
        sway = round(4 * index / max(1, frames - 1))
    half = len(still) // 2
    out[:half] = np.roll(still[:half], sway, axis=1)
    return out
