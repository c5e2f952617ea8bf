"""A small knight that moves, and what an autoencoder makes of it: what the tests of clips share."""

import numpy as np

from generators.animation import Animation
from generators.outline import draw_outline

SIDE_PX = 64
ARMOUR, SHADE, CLOAK, SKIN, GOLD, BOOTS = (
    (150, 160, 180, 255),
    (90, 98, 120, 255),
    (180, 30, 40, 255),
    (230, 180, 140, 255),
    (240, 200, 60, 255),
    (90, 60, 40, 255),
)
OUTLINE = "#141018"


def knight(arm_px: int = 0) -> np.ndarray:
    """64 64 4: a figure of seven colours with an outline; ``arm_px`` lifts its sword."""
    pixels = np.zeros((SIDE_PX, SIDE_PX, 4), np.uint8)
    pixels[22:48, 20:44] = CLOAK
    pixels[24:46, 25:40] = ARMOUR
    pixels[24:46, 25:30] = SHADE
    pixels[26:44:4, 31:39] = SHADE
    pixels[10:22, 26:39] = SKIN
    pixels[8:13, 25:40] = GOLD
    pixels[15:17, (30, 35)] = SHADE
    pixels[48:58, 24:30] = BOOTS
    pixels[48:58, 35:41] = BOOTS
    pixels[36:38, 26:39] = GOLD
    pixels[28 - arm_px : 32 - arm_px, 44:50] = SKIN
    pixels[14 - arm_px : 34 - arm_px, 50:53] = ARMOUR
    return draw_outline(pixels, OUTLINE)


def moving_knight(count: int = 16) -> np.ndarray:
    """count 64 64 4: the sword goes up, twice the whole figure jumps by 3 px; the first frame is ``knight()``."""
    lifts = [round(5 * np.sin(2 * np.pi * index / count)) for index in range(count)]
    frames = np.stack([knight(max(0, lift)) for lift in lifts])
    for index in (count // 4, count * 3 // 4):
        frames[index] = np.roll(frames[index], -3, 0)
    return frames


def decoded(frames: np.ndarray, seed: int = 0, noise: float = 12.0) -> np.ndarray:
    """``frames`` (f h w 4) with soft edges, noise of single pixels and of whole 4 x 4 cells, and alpha between."""
    draw = np.random.default_rng(seed)
    count, height, width = frames.shape[:3]
    colour = frames[..., :3] * (frames[..., 3:] / 255)
    premultiplied = np.concatenate([colour, frames[..., 3:]], -1, dtype=np.float64)
    soft = 0.8 * premultiplied + 0.05 * sum(
        np.roll(premultiplied, step, axis) for step in (-1, 1) for axis in (1, 2)
    )
    cells = draw.normal(0, noise, (count, height // 4, width // 4, 3)).repeat(4, 1).repeat(4, 2)
    alpha = soft[..., 3:]
    straight = (
        soft[..., :3] / np.maximum(alpha / 255, 1e-3) + cells + draw.normal(0, noise, (*frames.shape[:3], 3))
    )
    alpha = alpha + draw.normal(0, noise, alpha.shape) * (alpha > 0)
    return np.concatenate([straight, alpha], -1).round().clip(0, 255).astype(np.uint8)


def animation(count: int = 16, loops: bool = True, frame_ms: int = 60, name: str = "walk-left") -> Animation:
    return Animation(name, moving_knight(count), frame_ms, loops)


def with_still_frames() -> Animation:
    """Frames 3 to 6 are the same, and the last is like the first."""
    frames = moving_knight(8)
    frames[4:7] = frames[3]
    frames[7] = frames[0]
    return Animation("idle", frames, 80, True)


def many_colours(count: int = 4) -> np.ndarray:
    """count 40 40 4: opaque noise with clear corners, of more colours than a table holds."""
    frames = np.random.default_rng(1).integers(0, 256, (count, 40, 40, 4), np.uint8)
    frames[..., 3] = 255
    frames[:, :8, :8] = 0
    return frames
