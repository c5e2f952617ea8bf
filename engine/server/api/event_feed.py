"""Creations' events for everybody who watches some: one task reads the table for all of them, while any watch.

Events are rows, so it does not matter which process writes them; a write of this process is read at once.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Select, or_, select

from engine.api.creation import CreationEvent, CreationStatus
from engine.database.database import Database
from engine.database.tables import creation_events, creations

POLL_S: Final = 0.1
WAKE_S: Final = 0.02  # after a write of this process others follow at once
MAX_UNREAD: Final = 64  # events that wait for a slow client; it gets the others once it has read these
CREATIONS_AT_ONCE: Final = 500  # in one query
CHANGED_AT_ONCE: Final = 100
ROWS_AT_ONCE: Final = 2_000
BEAT_S: Final = 15.0  # proxies close what is silent for a minute
RETRY_S: Final = 1.0  # after the database did not answer
MAX_EVENT_NUMBER: Final = 2**31 - 1
_log = logging.getLogger(__name__)


class _Watcher:
    """One who watches a creation: ``seen`` is the last event that was put into ``unread``; None there is the end.

    ``behind`` says that there are more events than were put there.
    """

    def __init__(self, creation_id: str, seen: int) -> None:
        self.creation_id, self.seen = creation_id, seen
        self.unread: asyncio.Queue[CreationEvent | None] = asyncio.Queue()
        self.behind = self.ended = False

    @property
    def room(self) -> int:
        return 0 if self.ended else MAX_UNREAD - self.unread.qsize()

    def put(self, events: Iterable[CreationEvent], stands: "_Stands") -> None:
        fresh = [event for event in events if event.number > self.seen]
        taken = fresh[: self.room]
        for event in taken:
            self.seen = event.number
            self.unread.put_nowait(event)
        if stands.whole and len(taken) == len(fresh):
            self.seen = max(self.seen, stands.events)  # previews and old events are taken away
        self.behind = self.seen < stands.events
        if stands.ended and not self.behind:
            self.end()

    def end(self) -> None:
        if not self.ended:
            self.ended = True
            self.unread.put_nowait(None)


class _Stands:
    """How many events a creation has had, whether more will come, and whether the ``whole`` of what is new was read."""

    def __init__(self, events: int, ended: bool) -> None:
        self.events, self.ended, self.whole = events, ended, True


class EventFeed:
    """All streams of one server. Its methods are called on the event loop but for ``wake`` and ``close``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: set[_Watcher] = set()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._written = asyncio.Event()
        self._closed = False

    async def events(self, creation_id: str, after: int = 0) -> AsyncGenerator[CreationEvent | None, None]:
        """The creation's events after that number, as they come; ends after the last, or when the feed is closed.

        None says that for ``BEAT_S`` nothing happened.
        """
        watcher = _Watcher(creation_id, after)
        self._begin(watcher)
        try:
            while not self._closed:
                try:
                    event = await asyncio.wait_for(watcher.unread.get(), BEAT_S)
                except TimeoutError:
                    yield None
                    continue
                if event is None:
                    return
                yield event
                if watcher.behind and watcher.unread.empty():
                    self._written.set()
        finally:
            self._watchers.discard(watcher)

    def wake(self) -> None:
        """Says that events were written; from any thread."""
        self._call(lambda: self._written.set())

    def close(self) -> None:
        """Ends all streams at once, as the server ends; from any thread or a signal's handler."""
        self._closed = True
        self._call(self._end_all)

    @property
    def watching(self) -> int:
        """How many streams are open."""
        return len(self._watchers)

    def _call(self, function: Callable[[], object]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # of a loop that has ended
                self._loop.call_soon_threadsafe(function)

    def _end_all(self) -> None:
        for watcher in self._watchers:
            watcher.end()

    def _begin(self, watcher: _Watcher) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._task, self._written = loop, None, asyncio.Event()
        self._watchers.add(watcher)
        self._written.set()
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._run())

    async def _run(self) -> None:
        while self._watchers and not self._closed:
            self._written.clear()
            try:
                await self._read()
            except Exception as error:  # else all who watch would wait for ever
                _log.error("Events cannot be read (%s); it is tried again.", type(error).__name__)
                await asyncio.sleep(RETRY_S)
            await asyncio.sleep(WAKE_S)
            try:
                await asyncio.wait_for(self._written.wait(), POLL_S - WAKE_S)
            except TimeoutError:
                continue

    async def _read(self) -> None:
        watchers = [watcher for watcher in self._watchers if watcher.room > 0]
        since: dict[str, int] = {}
        for watcher in watchers:
            since[watcher.creation_id] = min(watcher.seen, since.get(watcher.creation_id, watcher.seen))
        stands, events = await run_in_threadpool(self._rows, since)
        for watcher in watchers:
            if (found := stands.get(watcher.creation_id)) is not None:
                watcher.put(events.get(watcher.creation_id, ()), found)
            else:
                watcher.end()  # it is gone

    def _rows(self, since: dict[str, int]) -> tuple[dict[str, _Stands], dict[str, list[CreationEvent]]]:
        stands: dict[str, _Stands] = {}
        events: dict[str, list[CreationEvent]] = {}
        ids = list(since)
        with self._database.reading() as connection:
            for begin in range(0, len(ids), CREATIONS_AT_ONCE):
                some = ids[begin : begin + CREATIONS_AT_ONCE]
                query = select(creations.c.id, creations.c.events, creations.c.status)
                for row in connection.execute(query.where(creations.c.id.in_(some))):
                    stands[row.id] = _Stands(row.events, CreationStatus(row.status).ended)
            changed = [(each, since[each]) for each, found in stands.items() if found.events > since[each]]
            for begin in range(0, len(changed), CHANGED_AT_ONCE):
                some_changed = changed[begin : begin + CHANGED_AT_ONCE]
                rows = connection.execute(_after(some_changed)).all()
                for each, _ in some_changed if len(rows) == ROWS_AT_ONCE else ():
                    stands[each].whole = False
                for row in rows:
                    event = CreationEvent(number=row.number, type=row.type, data=row.data)
                    events.setdefault(row.creation_id, []).append(event)
        return stands, events


def _after(changed: Sequence[tuple[str, int]]) -> Select[Any]:
    """Events of several creations, of each those after a number."""
    table = creation_events
    wanted = [(table.c.creation_id == each) & (table.c.number > number) for each, number in changed]
    columns = (table.c.creation_id, table.c.number, table.c.type, table.c.data)
    order = (table.c.creation_id, table.c.number)
    return select(*columns).where(or_(*wanted)).order_by(*order).limit(ROWS_AT_ONCE)
