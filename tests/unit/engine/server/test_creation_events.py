"""What is told of a creation, to those who watch it and to webhooks."""

import base64
import io
import threading
from collections.abc import Callable
from typing import Any

from PIL import Image
from sqlalchemy import insert, select
from starlette.testclient import TestClient

from assets.asset import Asset
from engine.app import Application
from engine.database.creation_events import PREVIEW
from engine.database.creation_views import creation_views
from engine.database.tables import (
    creation_events,
    deliveries,
    tenants,
    webhooks,
)
from tests.painter import Painter
from tests.unit.engine.server.creating import (
    Worker,
    asked,
    read,
    rows,
    sent_events,
)


def test_events_tell_everything_from_the_queue_to_the_assets_and_go_on_after_any_of_them(
    client: TestClient, key: dict[str, str], worker: Worker, painter: Painter
) -> None:
    made = asked(client, key, count=2)
    worker.work()
    stream = client.get(f"/v1/creations/{made['id']}/events", headers=key)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.text.startswith("retry: 2000\n\n")
    events = sent_events(stream.text)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [event.type for event in events] == ["queued", "started", "step", "asset", "asset", "succeeded"]
    assert events[2].data == {"step": 3, "steps": 3, "done": 2, "of": 2}
    finished = read(client, key, made["id"])["assets"]
    assert [event.data["asset"] for event in events[3:5]] == finished
    assert events[-1].data["assets"] == [asset["id"] for asset in finished]
    for more, how in (({"Last-Event-ID": "4"}, ""), ({}, "?after=4"), ({"Last-Event-ID": "x"}, "?after=4")):
        rest = client.get(f"/v1/creations/{made['id']}/events{how}", headers=key | more)
        assert sent_events(rest.text) == events[4:]
    assert sent_events(client.get(f"/v1/creations/{made['id']}/events?after=99", headers=key).text) == []


def test_steps_and_small_previews_are_told_while_it_is_drawn_and_previews_go_when_it_ends(
    client: TestClient, key: dict[str, str], worker: Worker, painter: Painter, application: Application
) -> None:
    painter.steps, painter.step_s, painter.go = 6, 0.3, threading.Semaphore(5)
    made = asked(client, key, count=12)
    worker.start()
    seen: list[Any] = []
    while not any(row.type == PREVIEW for row in seen):
        seen = rows(application, select(creation_events).where(creation_events.c.creation_id == made["id"]))
    running = read(client, key, made["id"])
    assert running["status"] == "running"
    assert running["progress"]["steps"] == 6
    assert 1 <= running["progress"]["step"] < 6
    pictures = next(row.data["pictures"] for row in seen if row.type == PREVIEW)
    assert [picture["position"] for picture in pictures] == list(range(8))
    with Image.open(io.BytesIO(base64.b64decode(pictures[0]["png"]))) as shown:
        assert shown.size == (32, 32)
    painter.go.release()
    worker.join()
    left = rows(application, select(creation_events.c.type).where(creation_events.c.type == PREVIEW))
    assert left == []


def test_webhooks_are_told_of_every_end(
    client: TestClient, key: dict[str, str], worker: Worker, application: Application
) -> None:
    with application.records.database.writing() as connection:
        tenant_id = connection.scalar(select(tenants.c.id).where(tenants.c.name == "studio 1"))
        connection.execute(
            insert(webhooks).values(
                id="webhook-1",
                tenant_id=tenant_id,
                url="https://a.example",
                secret="s",
                events=[],
                created_at="",
            )
        )
    cancelled = asked(client, key)
    client.delete(f"/v1/creations/{cancelled['id']}", headers=key)
    asked(client, key, prompt="broken")
    asked(client, key)
    worker.work()
    told = rows(application, select(deliveries.c.event, deliveries.c.body).order_by(deliveries.c.created_at))
    assert sorted(row.event for row in told) == [
        "creation.cancelled",
        "creation.failed",
        "creation.succeeded",
    ]
    assert all("base64" not in row.body and '"png":' not in row.body for row in told)


def test_what_the_command_line_made_is_told_too(
    application: Application, add_asset: Callable[..., Asset]
) -> None:
    asset = add_asset(application)
    record = application.records.creation("creation-1")
    assert record is not None
    with application.records.database.reading() as connection:
        (view,) = creation_views(connection, [record], application.files)
    assert (view.kind, view.prompt, view.model) == ("item", "a red potion bottle", "any/1")
    assert [made.id for made in view.assets] == [asset.asset_id]
