"""Draws noise at once, in place of a network, where the drawing does not matter."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from generators.batching import StepListener
from generators.errors import InvalidRecipe
from generators.finishing import FinishedPicture, finish
from generators.order import Order
from generators.recipe import Kind, Recipe


class Painter:
    """Takes ``steps`` steps of ``step_s`` seconds; waits at each step for ``go``, if that is there.

    Of what it is told to draw, a prompt that holds "undrawable" fails when it is planned, "broken" when it is drawn.
    """

    def __init__(self, pixels: Callable[[int], Any], recipe: Callable[..., Recipe]) -> None:
        self._pixels, self._recipe = pixels, recipe
        self.steps, self.step_s = 3, 0.0
        self.go: threading.Semaphore | None = None
        self.began = threading.Event()
        self.drawn = self.planned = 0

    def recipe(self, prompt: str, kind: Kind, seed: int, **fields: Any) -> Recipe:
        self.planned += 1
        if "undrawable" in prompt:
            raise InvalidRecipe("The painter cannot draw that; ask for something else.")
        kept = ("outline", "background", "negative_prompt", "source", "source_cid", "strength", "mask_cid")
        return self._recipe(
            seed,
            prompt=prompt,
            kind=kind,
            steps=self.steps,
            **{name: fields[name] for name in kept if fields.get(name) is not None},
        )

    def is_bundled(self, model: str | None) -> bool:
        return model is None

    def start_px(self, kind: Kind, model: str | None, size: int | None) -> int:
        return 32

    def batch_key(self, _: Order) -> int:
        return 0

    def draw_batch(self, orders: Sequence[Order], on_step: StepListener) -> list[Any]:
        self.began.set()
        drawn = [self._pixels(order.recipe.seed) for order in orders]
        for step in range(self.steps):
            if self.go is not None:
                assert self.go.acquire(timeout=60), "nobody let the painter go on"
            time.sleep(self.step_s)
            on_step(step, self.steps, lambda: np.stack(drawn))
        if any("broken" in order.recipe.prompt for order in orders):
            raise InvalidRecipe("The brush broke; ask again.")
        self.drawn += len(orders)
        return drawn

    def finish(self, pixels: Any, order: Order) -> FinishedPicture:
        return finish(pixels, order.recipe)
