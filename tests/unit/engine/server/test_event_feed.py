"""Streams of events while they happen: many at once, slow ones, ones that are left, and the end of the server."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from sqlalchemy import delete, update

from engine.api.creation import CreationEvent
from engine.app import Application
from engine.database.creation_events import PREVIEW, append, drop_previews
from engine.database.tables import creation_events, creations
from engine.server.api import event_feed
from engine.server.api.event_feed import MAX_UNREAD, EventFeed
from engine.server.api.event_stream import EventStream


@pytest.fixture
def feed(application: Application) -> EventFeed:
    return EventFeed(application.records.database)


def add(application: Application, creation_id: str) -> None:
    application.records.add_creation(creation_id, [{}])


def write(application: Application, creation_id: str, *types: str) -> None:
    with application.records.database.writing() as connection:
        for type in types:
            append(connection, creation_id, type, {"of": creation_id})


def end(application: Application, creation_id: str) -> None:
    with application.records.database.writing() as connection:
        append(connection, creation_id, "succeeded", {})
        connection.execute(update(creations).where(creations.c.id == creation_id).values(status="succeeded"))


async def all_of(feed: EventFeed, creation_id: str, after: int = 0) -> list[CreationEvent]:
    return [event async for event in feed.events(creation_id, after) if event is not None]


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 60))


def test_many_streams_get_their_own_events_in_order_and_reading_stops_with_the_last(
    application: Application, feed: EventFeed
) -> None:
    ids = [f"creation-{number}" for number in range(50)]
    for creation_id in ids:
        add(application, creation_id)

    async def watch() -> list[list[CreationEvent]]:
        streams = [asyncio.create_task(all_of(feed, ids[number % 50])) for number in range(200)]
        for _ in range(3):
            for creation_id in ids:
                await asyncio.to_thread(write, application, creation_id, "step")
        for creation_id in ids:
            await asyncio.to_thread(end, application, creation_id)
        feed.wake()
        told = await asyncio.gather(*streams)
        assert feed.watching == 0
        assert feed._task is not None
        await feed._task
        return told

    for number, events in enumerate(run(watch())):
        assert [event.number for event in events] == [1, 2, 3, 4]
        assert [event.data.get("of") for event in events[:3]] == [ids[number % 50]] * 3


def test_an_event_of_another_process_is_found_without_a_word(
    application: Application, feed: EventFeed
) -> None:
    add(application, "creation-1")

    async def watch() -> list[CreationEvent]:
        stream = asyncio.create_task(all_of(feed, "creation-1"))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(end, application, "creation-1")
        return await stream

    assert [event.type for event in run(watch())] == ["succeeded"]


def test_a_slow_reader_gets_everything_in_the_end_and_no_more_than_fits_waits_for_it(
    application: Application, feed: EventFeed
) -> None:
    add(application, "creation-1")
    write(application, "creation-1", *["step"] * (3 * MAX_UNREAD))
    end(application, "creation-1")

    async def watch() -> list[int]:
        numbers = []
        async for event in feed.events("creation-1"):
            assert event is not None
            numbers.append(event.number)
            (watcher,) = feed._watchers
            assert watcher.unread.qsize() <= MAX_UNREAD + 1
            if event.number == 1:
                await asyncio.sleep(0.3)
        return numbers

    assert run(watch()) == list(range(1, 3 * MAX_UNREAD + 2))


def test_previews_that_were_dropped_leave_a_gap_and_nothing_waits_for_them(
    application: Application, feed: EventFeed
) -> None:
    add(application, "creation-1")
    write(application, "creation-1", "step", PREVIEW, PREVIEW)
    with application.records.database.writing() as connection:
        drop_previews(connection, "creation-1")
    end(application, "creation-1")
    assert [event.number for event in run(all_of(feed, "creation-1"))] == [1, 4]
    with application.records.database.writing() as connection:  # as when old events expire
        connection.execute(delete(creation_events))
    assert run(all_of(feed, "creation-1")) == []
    assert run(all_of(feed, "creation-none")) == []


def test_a_stream_that_is_left_leaves_nothing_running(application: Application, feed: EventFeed) -> None:
    add(application, "creation-1")
    write(application, "creation-1", "step")

    async def leave() -> None:
        sent: list[bytes] = []
        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message.get("body", b""))
            if b"event: step" in sent[-1]:
                gone.set()
                await asyncio.sleep(60)  # a client that reads no more

        await EventStream(feed.events("creation-1"))({"type": "http"}, receive, send)
        assert sent[1] == b"retry: 2000\n\n"
        assert sent[2] == b'id: 1\nevent: step\ndata: {"of":"creation-1"}\n\n'
        assert feed.watching == 0
        assert feed._task is not None
        await feed._task

    run(leave())


def test_silence_is_told(application: Application, feed: EventFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    add(application, "creation-1")
    monkeypatch.setattr(event_feed, "BEAT_S", 0.05)

    async def listen() -> CreationEvent | None:
        events = feed.events("creation-1")
        first = await anext(events)
        await events.aclose()
        return first

    assert run(listen()) is None


def test_the_end_of_the_server_ends_every_stream_and_begins_none(
    application: Application, feed: EventFeed
) -> None:
    add(application, "creation-1")

    async def watch() -> list[list[CreationEvent]]:
        streams = [asyncio.create_task(all_of(feed, "creation-1")) for _ in range(3)]
        await asyncio.sleep(0.1)
        feed.close()
        told = await asyncio.gather(*streams)
        return [*told, await all_of(feed, "creation-1")]

    assert run(watch()) == [[], [], [], []]
