"""What tests of creations share: a worker on a thread, and server-sent events as a client reads them."""

import json
import threading
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from engine.app import Application
from engine.database.tables import jobs


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
