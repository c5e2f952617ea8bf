"""A row of bars as numbers that a template draws: no script, no style of its own, and sharp at any width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# Units of the drawing, which the page stretches; a bar takes three quarters of its day.
WIDTH: Final = 1000.0
HEIGHT: Final = 100.0
_SHARE: Final = 0.75
_LEAST: Final = 1.5  # of a bar that stands for something, so that one beside a thousand is seen


@dataclass(frozen=True)
class Bar:
    label: str
    value: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class BarChart:
    """``top`` is the value at the upper edge, a round number at or above the greatest; 0 where there is nothing."""

    bars: tuple[Bar, ...]
    top: int
    total: int
    greatest: Bar | None


def bar_chart(labels: Sequence[str], values: Sequence[int]) -> BarChart:
    """One bar for each label, from left to right; ``values`` are not negative."""
    top, each = round_above(max(values, default=0)), WIDTH / max(1, len(labels))
    bars = tuple(
        _bar(label, value, number * each, each * _SHARE, top)
        for number, (label, value) in enumerate(zip(labels, values, strict=True))
    )
    greatest = max(bars, key=lambda bar: bar.value, default=None)
    return BarChart(bars, top, sum(values), greatest if top else None)


def round_above(value: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50 … that is not below ``value``; 0 for 0."""
    if value <= 0:
        return 0
    step = 1
    while True:
        for times in (1, 2, 5):
            if step * times >= value:
                return step * times
        step *= 10


def _bar(label: str, value: int, x: float, width: float, top: int) -> Bar:
    height = max(_LEAST, HEIGHT * value / top) if value else 0.0
    return Bar(label, value, round(x, 2), round(HEIGHT - height, 2), round(width, 2), round(height, 2))
