"""Who stands where in each frame: pure composition in whole stage pixels, so that nothing shimmers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.storyboard.script import Point
from generators.animation import Animation
from generators.motion import Direction

SHADOW = 150  # of 255: what is left of the light under a figure
SHADOW_WIDTH = 1.1  # of the feet's
LEGS = 6  # the lowest sixth of a canvas is what casts the shadow: weapons that stick out do not


@dataclass(frozen=True, eq=False)
class Figure:
    """An animation with the row that stands on the ground, and its shadow's width and how far the middle of the feet
    is to the right of the canvas's, all in its own pixels."""

    animation: Animation
    foot_row: int
    shadow_width: int
    shadow_x: int

    @classmethod
    def of(cls, animation: Animation, hops: bool) -> "Figure":
        """``hops`` says that the figure may leave the ground: then its lowest frame stands on it, else the usual one.

        The usual one, since one stray pixel below a foot in one frame of sixteen must not lift all others.
        """
        opaque = animation.frames[..., 3] > 127
        rows = [int(np.flatnonzero(frame.any(1))[-1]) for frame in opaque if frame.any()]
        foot = (max(rows) if hops else int(np.median(rows))) if rows else animation.frames.shape[1] - 1
        height, width = opaque.shape[1:]
        columns = np.flatnonzero(opaque[0, max(0, foot + 1 - height // LEGS) : foot + 1].any(0))
        if not len(columns):
            return cls(animation, foot, 0, 0)
        left, right = int(columns[0]), int(columns[-1]) + 1
        return cls(animation, foot, right - left, (left + right - width) // 2)

    @property
    def length_ms(self) -> int:
        return len(self.animation.frames) * self.animation.frame_ms

    def picture(self, time_ms: float) -> NDArray[np.uint8]:
        """The frame (h w 4) at that time; an action that ends stays in its last frame."""
        index, count = int(time_ms // self.animation.frame_ms), len(self.animation.frames)
        frame: NDArray[np.uint8] = self.animation.frames[
            index % count if self.animation.loops else min(index, count - 1)
        ]
        return frame


@dataclass(frozen=True, eq=False)
class Actor:
    """``path``: one point or more; ``figures`` by the direction of its legs, ``then`` what follows on them."""

    path: tuple[Point, ...]
    figures: Mapping[Direction | None, Figure]
    then: Mapping[Direction | None, Figure]
    direction: Direction | None  # fixed; None turns with the path
    turns: bool
    scale: int
    shadow: bool

    def at(self, progress: float, time_ms: float) -> tuple[Figure, float, Point]:
        """The figure, the time within its action, and where its feet are at ``progress`` (0 to 1) of the shot."""
        leg, point = along(self.path, progress)
        facing = leg_direction(self.path, leg) if self.turns else self.direction
        figure = self.figures[facing]
        if self.then and time_ms >= figure.length_ms:
            return self.then[facing], time_ms - figure.length_ms, point
        return figure, time_ms, point


def along(path: tuple[Point, ...], progress: float) -> tuple[int, Point]:
    """The leg of the path and the nearest whole pixel after ``progress`` (0 to 1) of its length, at an even pace."""
    lengths = [math.dist(a, b) for a, b in pairwise(path)]
    left = progress * sum(lengths)
    for leg, length in enumerate(lengths):
        if left <= length and length > 0:
            (x0, y0), (x1, y1) = path[leg], path[leg + 1]
            share = left / length
            return leg, (math.floor(x0 + (x1 - x0) * share + 0.5), math.floor(y0 + (y1 - y0) * share + 0.5))
        left -= length
    return max(0, len(lengths) - 1), path[-1]


def leg_direction(path: tuple[Point, ...], leg: int) -> Direction | None:
    """Where one faces who walks that leg; None where it leads nowhere."""
    if len(path) < 2:
        return None
    (x0, y0), (x1, y1) = path[leg], path[leg + 1]
    if (x0, y0) == (x1, y1):
        return None
    if abs(x1 - x0) >= abs(y1 - y0):
        return Direction.RIGHT if x1 > x0 else Direction.LEFT
    return Direction.DOWN if y1 > y0 else Direction.UP


@dataclass(frozen=True, eq=False)
class Stage:
    """``backdrop``: h w 3, uint8. The actors' order is that of the storyboard; who stands lower is in front."""

    backdrop: NDArray[np.uint8]
    actors: tuple[Actor, ...]

    def frame(self, index: int, count: int, fps: int) -> NDArray[np.uint8]:
        """Frame ``index`` of ``count`` (h w 3, uint8): paths begin with the first frame and end with the last."""
        progress = index / (count - 1) if count > 1 else 0.0
        standing = [(actor, *actor.at(progress, index * 1000 / fps)) for actor in self.actors]
        standing.sort(
            key=lambda one: one[3][1]
        )  # stable: of two at one depth, the later of the cast is in front
        out = self.backdrop.copy()
        for actor, figure, _, (x, y) in standing:
            if actor.shadow and figure.shadow_width:
                _cast_shadow(out, (x + figure.shadow_x * actor.scale, y), figure.shadow_width * actor.scale)
        for actor, figure, time_ms, (x, y) in standing:
            pixels = figure.picture(time_ms).repeat(actor.scale, 0).repeat(actor.scale, 1)
            top = y + 1 - (figure.foot_row + 1) * actor.scale
            _lay(out, pixels, x - pixels.shape[1] // 2, top)
        return out


def _lay(out: NDArray[np.uint8], pixels: NDArray[np.uint8], left: int, top: int) -> None:
    """Lays ``pixels`` (h w 4) over ``out``, cut at its edges."""
    height, width = out.shape[:2]
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(height, top + pixels.shape[0]), min(width, left + pixels.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    over = pixels[y0 - top : y1 - top, x0 - left : x1 - left]
    under = out[y0:y1, x0:x1]
    alpha = over[..., 3:].astype(np.uint16)
    under[:] = (over[..., :3] * alpha + under * (255 - alpha) + 127) // 255


def _cast_shadow(out: NDArray[np.uint8], feet: Point, figure_width: int) -> None:
    """Darkens a flat ellipse around the feet."""
    half = max(2, round(figure_width * SHADOW_WIDTH / 2))
    flat = max(1, half // 5)
    y, x = np.mgrid[-flat : flat + 1, -half : half + 1]
    inside = (x / (half + 0.5)) ** 2 + (y / (flat + 0.5)) ** 2 <= 1
    shade = np.zeros((*inside.shape, 4), np.uint8)
    shade[inside, 3] = 255 - SHADOW
    _lay(out, shade, feet[0] - half, feet[1] - flat)
