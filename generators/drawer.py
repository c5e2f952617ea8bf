"""Where pictures are asked for: one generator, shared by all threads of a process."""

from collections.abc import Hashable, Sequence
from typing import Protocol

from generators.batching import Artist, Batching, Preview
from generators.clip import Finished
from generators.order import Order, orders
from generators.progress import MAX_BATCH, Progress, ProgressCallback
from generators.recipe import Recipe
from generators.source_picture import PictureReader, no_pictures


class Drawer(Protocol):
    """Draws recipes: ``SharedDrawer`` for many threads, ``SpriteGenerator`` for one."""

    def draw(
        self,
        recipes: Sequence[Recipe],
        on_progress: ProgressCallback | None = None,
        pictures: PictureReader = no_pictures,
    ) -> list[Finished]:
        """One finished picture for each recipe, in their order. Raises GeneratorError where one cannot be drawn."""


def draw_alone(
    artist: Artist[Order, Finished],
    recipes: Sequence[Recipe],
    on_progress: ProgressCallback | None,
    pictures: PictureReader,
) -> list[Finished]:
    """One finished picture for each recipe, in their order, drawn on the calling thread."""
    finished: dict[int, Finished] = {}
    batches: dict[Hashable, list[int]] = {}
    wanted = orders(recipes, pictures)
    for index, order in enumerate(wanted):
        batches.setdefault(artist.batch_key(order), []).append(index)
    for indices in batches.values():
        for begin in range(0, len(indices), MAX_BATCH):
            batch = tuple(indices[begin : begin + MAX_BATCH])

            def report(step: int, steps: int, preview: Preview, batch: tuple[int, ...] = batch) -> None:
                if on_progress is not None:
                    on_progress(Progress(batch, step + 1, steps, preview))

            drawn = artist.draw_batch([wanted[index] for index in batch], report)
            for index, pixels in zip(batch, drawn, strict=True):
                finished[index] = artist.finish(pixels, wanted[index])
    return [finished[index] for index in range(len(recipes))]


class SharedDrawer:
    """Draws what many threads ask for, together where it fits; see ``Batching``."""

    def __init__(self, artist: Artist[Order, Finished]) -> None:
        self._batching: Batching[Order, Finished] = Batching(artist)

    def draw(
        self,
        recipes: Sequence[Recipe],
        on_progress: ProgressCallback | None = None,
        pictures: PictureReader = no_pictures,
    ) -> list[Finished]:
        """One finished picture for each recipe, in their order; both functions are called on the calling thread.

        Raises TooManyWaiting where the queue is full, DrawingStopped once it is closed, what the artist raises for
        one of these recipes, and what the two functions raise, which gives the drawing up.
        """
        return self._batching.draw(orders(recipes, pictures), on_progress)

    def close(self) -> None:
        """Ends the threads; what is not drawn yet fails with DrawingStopped."""
        self._batching.close()
