"""Motions made by rule, of 32 px pictures (h w 4, uint8): what a keyframe animator would do with one drawing.

Each takes a picture and the number of frames, and gives frames (f h w 4). Loops join: the frame after the last would be
the first.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
FLAMES = np.array([[255, 244, 190], [255, 205, 60], [246, 130, 22], [196, 46, 16]], np.uint8)
SPARKS = np.array([[255, 255, 255], [180, 220, 255], [110, 160, 255], [210, 140, 255]], np.uint8)


def shifted(pixels: Pixels, down: int, right: int) -> Pixels:
    """Moved on its canvas; what leaves it is gone."""
    out = np.zeros_like(pixels)
    height, width = pixels.shape[:2]
    if abs(down) >= height or abs(right) >= width:
        return out
    source = pixels[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    out[max(0, down) : max(0, down) + len(source), max(0, right) : max(0, right) + source.shape[1]] = source
    return out


def over(below: Pixels, above: Pixels) -> Pixels:
    return np.where(above[..., 3:] > 127, above, below)


def breathing(pixels: Pixels, frames: int, depth_px: int = 1) -> Pixels:
    """The upper two thirds sink and rise by a pixel or two."""
    rows = np.flatnonzero((pixels[..., 3] > 0).any(1))
    waist = int(rows[0] + (rows[-1] - rows[0]) * 0.65) if len(rows) else 0
    made = []
    for k in range(frames):
        sink = round(depth_px * (0.5 - 0.5 * np.cos(2 * np.pi * k / frames)))
        frame = pixels.copy()
        frame[:waist] = 0
        frame[: waist + sink] = over(frame, shifted(np.where(_above(pixels, waist), pixels, 0), sink, 0))[
            : waist + sink
        ]
        made.append(frame)
    return np.stack(made)


def _above(pixels: Pixels, row: int) -> NDArray[np.bool_]:
    return (np.arange(len(pixels)) < row)[:, None, None]


def stepping(pixels: Pixels, frames: int) -> Pixels:
    """A walk seen from the front: the halves of the lower part rise in turn, the upper part bobs."""
    height, width = pixels.shape[:2]
    rows, columns = (np.flatnonzero((pixels[..., 3] > 0).any(axis)) for axis in (1, 0))
    if not len(rows):
        return np.stack([pixels] * frames)
    hip = int(rows[0] + (rows[-1] - rows[0]) * 0.72)
    middle = int(columns[0] + columns[-1] + 1) // 2
    lower = np.arange(height)[:, None, None] >= hip
    left = np.arange(width)[None, :, None] < middle
    made = []
    for k in range(frames):
        swing = np.sin(2 * np.pi * k / frames)
        lift_left, lift_right = round(max(0, swing) * 2), round(max(0, -swing) * 2)
        bob = round(abs(swing))
        frame = shifted(np.where(lower & left, pixels, 0), -lift_left, 0)
        frame = over(frame, shifted(np.where(lower & ~left, pixels, 0), -lift_right, 0))
        made.append(over(frame, shifted(np.where(lower, 0, pixels), -bob, round(swing))))
    return np.stack(made).astype(np.uint8)


def hopping(pixels: Pixels, frames: int) -> Pixels:
    """Two small jumps."""
    return np.stack(
        [shifted(pixels, -round(4 * abs(np.sin(2 * np.pi * k / frames))), 0) for k in range(frames)]
    )


def lunging(pixels: Pixels, frames: int, reach_px: int = 6) -> Pixels:
    """Back a little, forward fast, and home: an attack to the right."""
    made = []
    for k in range(frames):
        at = k / (frames - 1)
        far = -0.3 * np.sin(np.pi * at / 0.3) if at < 0.3 else np.sin(np.pi * (at - 0.3) / 0.7) ** 0.7
        made.append(shifted(pixels, -round(max(0, far)), round(reach_px * far)))
    return np.stack(made)


def recoiling(pixels: Pixels, frames: int) -> Pixels:
    """Thrown back and flashing: hurt."""
    made = []
    for k in range(frames):
        at = k / (frames - 1)
        frame = shifted(pixels, 0, -round(3 * np.sin(np.pi * at)))
        if 0.05 < at < 0.4:
            light = np.array([255, 255, 255] if at < 0.2 else [230, 60, 50])
            mixed = frame[..., :3] * 0.35 + light * 0.65
            frame = np.where(frame[..., 3:] > 0, np.concatenate([mixed, frame[..., 3:]], -1), 0).astype(
                np.uint8
            )
        made.append(frame)
    return np.stack(made)


def falling(pixels: Pixels, frames: int) -> Pixels:
    """Tips over backwards and comes to lie: dying."""
    rows, columns = (np.flatnonzero((pixels[..., 3] > 0).any(axis)) for axis in (1, 0))
    foot = (float(columns.mean()) if len(columns) else 16.0, float(rows[-1]) if len(rows) else 31.0)
    image = Image.fromarray(pixels)
    made = []
    for k in range(frames):
        at = min(1.0, k / (frames - 1) * 1.4)
        turned = np.asarray(image.rotate(90 * at**2, Image.Resampling.NEAREST, center=foot))
        height = np.flatnonzero((turned[..., 3] > 0).any(1))
        lift = len(pixels) - 1 - int(height[-1]) if len(height) else 0
        made.append(shifted(turned, lift, round(5 * at**2)))
    return np.stack(made)


def casting(pixels: Pixels, frames: int, draw: np.random.Generator) -> Pixels:
    """Rises a little while sparks gather from around it and burst."""
    height, width = pixels.shape[:2]
    angles, lags = draw.random(14) * 2 * np.pi, draw.random(14) * 0.3
    made = []
    for k in range(frames):
        at = k / (frames - 1)
        frame = shifted(pixels, -round(2 * np.sin(np.pi * at)), 0)
        for angle, lag in zip(angles, lags, strict=True):
            grown = (at - lag) / 0.7
            if 0 < grown < 1:
                radius = 15 * (1 - grown) if grown < 0.6 else 15 * (grown - 0.3)
                x, y = round(width / 2 + radius * np.cos(angle)), round(height / 2 + radius * np.sin(angle))
                if 0 <= x < width - 1 and 0 <= y < height - 1:
                    frame[y : y + 2, x : x + 2] = (*SPARKS[int(grown * 3.9)], 255)
        made.append(frame)
    return np.stack(made)


def floating(pixels: Pixels, frames: int) -> Pixels:
    """Up and down by two pixels, around where it lies."""
    return np.stack([shifted(pixels, -round(2 * np.sin(2 * np.pi * k / frames)), 0) for k in range(frames)])


def spinning(pixels: Pixels, frames: int) -> Pixels:
    """Turns about its upright axis: narrower, mirrored, wide again."""
    height, width = pixels.shape[:2]
    image, made = Image.fromarray(pixels), []
    for k in range(frames):
        turn = np.cos(2 * np.pi * k / frames)
        wide = max(2, round(width * abs(turn)))
        narrow = np.asarray(image.resize((wide, height), Image.Resampling.NEAREST))
        canvas = np.zeros_like(pixels)
        left = (width - wide) // 2
        canvas[:, left : left + wide] = narrow[:, ::-1] if turn < 0 else narrow
        made.append(canvas)
    return np.stack(made)


def glowing(pixels: Pixels, frames: int) -> Pixels:
    """Its light swells and fades, with a halo of its own colour when brightest."""
    opaque = pixels[..., 3] > 0
    tint = pixels[opaque][:, :3].mean(0) if opaque.any() else np.full(3, 255.0)
    tint = np.clip(tint / max(1.0, tint.max()) * 255, 0, 255)
    ring = _grown(opaque) & ~opaque
    wider = _grown(_grown(opaque)) & ~opaque
    made = []
    for k in range(frames):
        light = 0.5 - 0.5 * np.cos(2 * np.pi * k / frames)
        frame = pixels.copy()
        mixed = pixels[..., :3] + (255 - pixels[..., :3]) * (0.5 * light)
        frame[opaque, :3] = mixed[opaque].astype(np.uint8)
        if light > 0.4:
            frame[ring if light < 0.8 else wider] = (*tint.astype(np.uint8), 255)
        made.append(frame)
    return np.stack(made)


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padded = np.pad(mask, 1)
    return padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:] | mask


def burning(pixels: Pixels, frames: int, draw: np.random.Generator) -> Pixels:
    """Flames rise from it: noise that climbs one canvas height a loop, hotter near the thing."""
    height, width = pixels.shape[:2]
    noise = draw.random((height, width))
    noise = sum(np.roll(noise, shift, (0, 1)) for shift in ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1))) / 5
    opaque = pixels[..., 3] > 0
    heat = opaque.astype(float)
    for _ in range(height):
        heat = np.maximum(heat, np.roll(heat, -1, 0) * 0.86)
        heat[-1] = opaque[-1]
    made = []
    for k in range(frames):
        climbing = np.roll(noise, -round(height * k / frames), 0)
        flame = heat * 0.75 + climbing - 0.62
        frame = pixels.copy()
        for level, colour in zip((0.45, 0.34, 0.22, 0.1), FLAMES, strict=True):
            lit = (flame > level) & (frame[..., 3] == 0)
            frame[lit] = (*colour, 255)
        licking = opaque & (climbing > 0.66)
        frame[licking] = (*FLAMES[1], 255)
        made.append(frame)
    return np.stack(made)


def opening(closed: Pixels, opened: Pixels, frames: int) -> Pixels:
    """Shut, a shake, then open with a bounce."""
    made = []
    for k in range(frames):
        at = k / (frames - 1)
        if at < 0.45:
            made.append(shifted(closed, 0, round(np.sin(at * 40)) if at > 0.15 else 0))
        else:
            made.append(shifted(opened, -round(2 * np.sin(np.pi * (at - 0.45) / 0.2)) if at < 0.65 else 0, 0))
    return np.stack(made)


def flowing(pixels: Pixels, frames: int, draw: np.random.Generator) -> Pixels:
    """A liquid tile: each row and column sways by its own wave; edges join in space, frames in time."""
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    waves = draw.integers(1, 3, 2)
    phases, depth = draw.random(2), draw.uniform(1.0, 2.2)
    made = []
    for k in range(frames):
        at = k / frames
        x = columns + depth * np.sin(2 * np.pi * (waves[0] * rows / height + at + phases[0]))
        y = rows + depth * np.sin(2 * np.pi * (waves[1] * columns / width + at + phases[1]))
        frame = pixels[np.round(y).astype(int) % height, np.round(x).astype(int) % width].astype(float)
        light = np.sin(2 * np.pi * (rows / height + columns / width - at))
        frame[..., :3] = np.clip(frame[..., :3] * (1 + 0.1 * light[..., None]), 0, 255)
        made.append(frame.astype(np.uint8))
    return np.stack(made)


Move = Callable[[Pixels, int], Pixels]
