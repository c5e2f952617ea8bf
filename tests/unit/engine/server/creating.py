"""What tests of creations share: a worker on a thread, asking a server, and events as a client reads them."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select
from starlette.testclient import TestClient

from engine.app import Application
from engine.database.tables import collections, jobs, tenants

Headers = Callable[..., dict[str, str]]
WANTED = {"kind": "item", "prompt": "a red potion bottle"}


@dataclass
class Worker:
    """Does the jobs of an application one after another, when it is told to."""

    application: Application
    threads: list[threading.Thread] = field(default_factory=list)

    def work(self) -> None:
        """Does all that waits, on this thread."""
        database = self.application.records.database
        while True:
            with database.reading() as connection:
                row = connection.execute(
                    select(jobs)
                    .where(jobs.c.queue == "generate", jobs.c.state == "queued")
                    .order_by(jobs.c.number)
                    .limit(1)
                ).one_or_none()
            if row is None:
                return
            self.application.jobs.create(row.record_id)

    def start(self) -> threading.Thread:
        """The same on a thread of its own."""
        _ = self.application.jobs
        self.threads.append(threading.Thread(target=self.work))
        self.threads[-1].start()
        return self.threads[-1]

    def join(self) -> None:
        for thread in self.threads:
            thread.join(timeout=60)
            assert not thread.is_alive()


@dataclass(frozen=True)
class Sent:
    number: int
    type: str
    data: dict[str, Any]


def sent_events(text: str) -> list[Sent]:
    """The events of a stream that has ended."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "id" in fields:
            events.append(Sent(int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return events


def asked(client: TestClient, key: dict[str, str], **wanted: Any) -> dict[str, Any]:
    answer = client.post("/v1/creations", json=WANTED | wanted, headers=key)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def read(client: TestClient, key: dict[str, str], creation_id: str) -> dict[str, Any]:
    answer = client.get(f"/v1/creations/{creation_id}", headers=key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows(application: Application, query: Any) -> list[Any]:
    with application.records.database.reading() as connection:
        return list(connection.execute(query))


def own_collection(application: Application) -> str:
    """A collection of the newest tenant's."""
    with application.records.database.writing() as connection:
        tenant_id = connection.scalar(select(tenants.c.id).where(tenants.c.name == "studio 1"))
        connection.execute(
            insert(collections).values(
                id="collection-1", tenant_id=tenant_id, name="Shop", description="", created_at="2026-01-01"
            )
        )
    return "collection-1"
