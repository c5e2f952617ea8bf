"""Requests of many threads, drawn together: whatever waits and fits is taken as soon as the device is free."""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from generators.errors import DrawingCancelled, DrawingStopped, TooManyWaiting
from generators.progress import MAX_BATCH, Progress, ProgressCallback

MAX_WAITING = 1_024  # pictures; four of the largest requests, a minute's work for two cores
MAX_UNHEARD = (
    64  # steps kept for a listener that is behind; older ones are left out, as each holds its latents
)
FINISHING_THREADS = 2  # finishing sixteen takes a third of the time of drawing them, so two always keep up

Item = TypeVar("Item")
Finished = TypeVar("Finished")
Finished_co = TypeVar("Finished_co", covariant=True)
Item_contra = TypeVar("Item_contra", contravariant=True)
Preview = Callable[[], NDArray[np.uint8]]
StepListener = Callable[[int, int, Preview], None]


class Artist(Protocol[Item_contra, Finished_co]):
    """What draws; called by one thread at a time but for ``finish``."""

    def batch_key(self, item: Item_contra) -> Hashable:
        """Items of one key can be drawn in one batch."""

    def draw_batch(self, items: Sequence[Item_contra], on_step: StepListener) -> Sequence[NDArray[np.uint8]]:
        """Draws items of one key; tells ``on_step`` the step from 0, the steps and a preview of all items."""

    def finish(self, pixels: NDArray[np.uint8], item: Item_contra) -> Finished_co:
        """What is handed out for one drawn item; called on several threads."""


class Request(Generic[Item, Finished]):
    """Some items that one thread asked for, and what has become of them. Made by ``Batching.submit``."""

    def __init__(
        self,
        changed: threading.Condition,
        items: Sequence[Item],
        order: Sequence[int],
        on_progress: ProgressCallback | None,
    ) -> None:
        self._changed, self.items, self._on_progress = changed, tuple(items), on_progress
        self.waiting = deque(order)
        self._finished: dict[int, Finished] = {}
        self._unheard: deque[Progress] = deque(maxlen=MAX_UNHEARD)
        self.error: BaseException | None = None

    @property
    def ended(self) -> bool:
        return self.error is not None or len(self._finished) == len(self.items)

    def result(self) -> list[Finished]:
        """Waits for all items and tells the listener of each step, on the calling thread.

        What the listener raises passes through and cancels the request, as does an interrupt. Raises the error of
        the first item that failed, DrawingCancelled, or DrawingStopped.
        """
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._unheard or self.ended)
                    if not self._unheard:
                        break
                    progress = self._unheard.popleft()
                if self._on_progress is not None:
                    self._on_progress(progress)
        except BaseException:
            self.cancel()
            raise
        if self.error is not None:
            raise self.error
        return [self._finished[index] for index in range(len(self.items))]

    def cancel(self) -> None:
        """Gives the request up, unless it has ended; others that share its batch go on."""
        self.fail(DrawingCancelled("The drawing was cancelled; ask for it again."))

    def fail(self, error: BaseException) -> None:
        with self._changed:
            if not self.ended:
                self.error = error
                self.waiting.clear()
                self._unheard.clear()
                self._changed.notify_all()

    def tell(self, progress: Progress) -> None:
        if self._on_progress is not None:
            with self._changed:
                if not self.ended:
                    self._unheard.append(progress)
                    self._changed.notify_all()

    def deliver(self, index: int, finished: Finished) -> None:
        with self._changed:
            if self.error is None:
                self._finished[index] = finished
                self._changed.notify_all()


@dataclass(frozen=True)
class _Place(Generic[Item, Finished]):
    """One item of a batch, and whose it is."""

    request: Request[Item, Finished]
    index: int

    @property
    def item(self) -> Item:
        return self.request.items[self.index]


class _NobodyWaits(Exception):
    """Stops a batch whose requests have all ended."""


class Batching(Generic[Item, Finished]):
    """Shares one ``Artist`` among threads.

    One thread draws. Each time it is free it takes the request that was served longest ago, and fills the batch with
    what fits, one item of each request in turn: so a request is in every batch that fits it or waits for one batch
    of each of the others, however large those are. Finishing happens on threads of its own, listeners are told on
    the thread that waits for the result.
    """

    def __init__(self, artist: Artist[Item, Finished], max_waiting: int = MAX_WAITING) -> None:
        self._artist, self._max_waiting = artist, max_waiting
        self._changed = threading.Condition()
        self._waiting: list[Request[Item, Finished]] = []  # served longest ago first
        self._unended: list[Request[Item, Finished]] = []
        self._stopped = False
        self._finishers = ThreadPoolExecutor(FINISHING_THREADS, "lorespark-finishing")
        # A daemon: a process that ends without closing must not wait for pictures that nobody will see.
        self._thread = threading.Thread(target=self._run, name="lorespark-drawing", daemon=True)
        self._thread.start()

    def draw(self, items: Sequence[Item], on_progress: ProgressCallback | None = None) -> list[Finished]:
        """Waits for all ``items``; raises as ``submit`` and ``Request.result`` do."""
        return self.submit(items, on_progress).result()

    def submit(
        self, items: Sequence[Item], on_progress: ProgressCallback | None = None
    ) -> Request[Item, Finished]:
        """Queues ``items`` and returns at once.

        Raises TooManyWaiting where the queue is full, DrawingStopped after ``close``.
        """
        together: dict[Hashable, list[int]] = {}
        for index, item in enumerate(items):
            together.setdefault(self._artist.batch_key(item), []).append(index)
        order = [index for indices in together.values() for index in indices]
        request: Request[Item, Finished] = Request(self._changed, items, order, on_progress)
        with self._changed:
            if self._stopped:
                raise DrawingStopped("Drawing has stopped; start Lorespark again and ask again.")
            waiting = sum(len(other.waiting) for other in self._waiting)
            if waiting + len(request.items) > self._max_waiting:
                raise TooManyWaiting(
                    f"{waiting:,d} pictures are waiting to be drawn and {self._max_waiting:,d} may; try again later."
                )
            self._waiting.append(request)
            self._unended = [*(other for other in self._unended if not other.ended), request]
            self._changed.notify_all()
        return request

    def close(self) -> None:
        """Stops the running batch at its next step, finishes what is drawn, fails the rest with DrawingStopped."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join()
        self._finishers.shutdown()
        for request in self._unended:
            request.fail(DrawingStopped("Drawing stopped before the pictures were done; ask again."))

    def _run(self) -> None:
        while batch := self._next_batch():
            self._draw(batch)

    def _next_batch(self) -> list[_Place[Item, Finished]]:
        """The places of the next batch; none once drawing has stopped."""
        with self._changed:
            while not self._stopped:
                self._waiting = [request for request in self._waiting if request.waiting]
                if self._waiting:
                    return self._taken()
                self._changed.wait()
            return []

    def _taken(self) -> list[_Place[Item, Finished]]:
        key = self._key(self._waiting[0])
        batch: list[_Place[Item, Finished]] = []
        fitting = deque(request for request in self._waiting if self._key(request) == key)
        while fitting and len(batch) < MAX_BATCH:
            request = fitting.popleft()
            batch.append(_Place(request, request.waiting.popleft()))
            if request.waiting and self._key(request) == key:
                fitting.append(request)
        served = {id(place.request) for place in batch}
        self._waiting.sort(key=lambda request: id(request) in served)
        return batch

    def _key(self, request: Request[Item, Finished]) -> Hashable:
        return self._artist.batch_key(request.items[request.waiting[0]])

    def _draw(self, batch: list[_Place[Item, Finished]]) -> None:
        try:
            drawn = self._artist.draw_batch([place.item for place in batch], self._listener(batch))
        except _NobodyWaits:
            return
        except Exception as error:
            if len(batch) == 1:
                batch[0].request.fail(error)
                return
            for place in batch:  # whichever picture it was, the others are not to blame
                if not place.request.ended:
                    self._draw([place])
            return
        for place, pixels in zip(batch, drawn, strict=True):
            self._finishers.submit(self._finish, place, pixels)

    def _finish(self, place: _Place[Item, Finished], pixels: NDArray[np.uint8]) -> None:
        if place.request.ended:
            return
        try:
            place.request.deliver(place.index, self._artist.finish(pixels, place.item))
        except Exception as error:
            place.request.fail(error)

    def _listener(self, batch: list[_Place[Item, Finished]]) -> StepListener:
        rows: dict[int, list[int]] = {}
        for row, place in enumerate(batch):
            rows.setdefault(id(place.request), []).append(row)

        def on_step(step: int, steps: int, preview: Preview) -> None:
            if self._stopped or all(place.request.ended for place in batch):
                raise _NobodyWaits
            for own in rows.values():
                indices = tuple(batch[row].index for row in own)
                batch[own[0]].request.tell(Progress(indices, step + 1, steps, lambda own=own: preview()[own]))

        return on_step
