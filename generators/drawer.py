"""Where pictures are asked for: one generator, shared by all threads of a process."""

from collections.abc import Sequence
from typing import Protocol

from generators.batching import Artist, Batching
from generators.finishing import FinishedPicture
from generators.order import Order, orders
from generators.progress import ProgressCallback
from generators.recipe import Recipe
from generators.source_picture import PictureReader, no_pictures


class Drawer(Protocol):
    """Draws recipes: ``SharedDrawer`` for many threads, ``SpriteGenerator`` for one."""

    def draw(
        self,
        recipes: Sequence[Recipe],
        on_progress: ProgressCallback | None = None,
        pictures: PictureReader = no_pictures,
    ) -> list[FinishedPicture]:
        """One finished picture for each recipe, in their order. Raises GeneratorError where one cannot be drawn."""


class SharedDrawer:
    """Draws what many threads ask for, together where it fits; see ``Batching``."""

    def __init__(self, artist: Artist[Order, FinishedPicture]) -> None:
        self._batching: Batching[Order, FinishedPicture] = Batching(artist)

    def draw(
        self,
        recipes: Sequence[Recipe],
        on_progress: ProgressCallback | None = None,
        pictures: PictureReader = no_pictures,
    ) -> list[FinishedPicture]:
        """One finished picture for each recipe, in their order; both functions are called on the calling thread.

        Raises TooManyWaiting where the queue is full, DrawingStopped once it is closed, what the artist raises for
        one of these recipes, and what the two functions raise, which gives the drawing up.
        """
        return self._batching.draw(orders(recipes, pictures), on_progress)

    def close(self) -> None:
        """Ends the threads; what is not drawn yet fails with DrawingStopped."""
        self._batching.close()
