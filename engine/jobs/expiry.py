"""What nobody needs any more, removed each hour."""

import time
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, Table, and_, delete, select, tuple_

from engine.database.database import Database
from engine.database.jobs import Job, state_of
from engine.database.tables import creation_events, creations, deliveries, idempotency, moderations
from engine.jobs.hold import Hold

EVERY_S: Final = 3_600.0
CHUNK_ROWS: Final = 1_000  # removed in one transaction, so that none is long
_DAY_S: Final = 86_400.0
IDEMPOTENCY_S: Final = _DAY_S
DELIVERIES_S: Final = 30 * _DAY_S  # after they ended
EVENTS_S: Final = _DAY_S  # after their creation ended
MODERATIONS_S: Final = 90 * _DAY_S
WORKFLOWS_S: Final = _DAY_S
# The events of a creation that show how it went, and not what became of it.
PASSING_EVENTS: Final = ("step", "preview")


class KeptSteps(Protocol):
    """Whoever keeps the steps of jobs."""

    def ended_before(self, unix_time_s: float, limit: int) -> list[str]: ...

    def interrupted_before(self, unix_time_s: float) -> list[tuple[str, str, str]]: ...

    def delete(self, workflow_ids: list[str]) -> None: ...


class ExpiryWork:
    """The recurring job of the queue ``expire``."""

    def __init__(self, database: Database, steps: KeptSteps) -> None:
        self._database, self._steps = database, steps

    def run(self, job: Job, hold: Hold) -> float:
        self.expire(time.time(), hold)
        return EVERY_S

    def expire(self, now_s: float, hold: Hold | None = None) -> int:
        """Removes what is too old at the Unix time ``now_s``; how many rows. Raises DatabaseUnusable, HoldLost."""
        ended = select(creations.c.id).where(creations.c.finished_at < _text(now_s - EVENTS_S))
        removed = sum(
            self._remove(table, old, hold)
            for table, old in (
                (idempotency, idempotency.c.created_at < _text(now_s - IDEMPOTENCY_S)),
                (deliveries, deliveries.c.ended_at < _text(now_s - DELIVERIES_S)),
                (
                    creation_events,
                    and_(
                        creation_events.c.type.in_(PASSING_EVENTS), creation_events.c.creation_id.in_(ended)
                    ),
                ),
                (moderations, moderations.c.created_at < _text(now_s - MODERATIONS_S)),
            )
        )
        while ids := self._steps.ended_before(now_s - WORKFLOWS_S, CHUNK_ROWS):
            self._steps.delete(ids)
            removed += len(ids)
        left = self._steps.interrupted_before(now_s - WORKFLOWS_S)
        with self._database.reading() as connection:
            ids = [step for step, queue, record in left if state_of(connection, queue, record) is None]
        for begin in range(0, len(ids), CHUNK_ROWS):
            self._steps.delete(ids[begin : begin + CHUNK_ROWS])
        return removed + len(ids)

    def _remove(self, table: Table, old: ColumnElement[bool], hold: Hold | None) -> int:
        key: list[Any] = list(table.primary_key.columns)
        removed = 0
        while True:
            with self._database.writing() as connection:
                if hold is not None:
                    hold.confirm(connection)
                rows = connection.execute(select(*key).where(old).limit(CHUNK_ROWS)).all()
                if rows:
                    connection.execute(delete(table).where(tuple_(*key).in_([tuple(row) for row in rows])))
            removed += len(rows)
            if len(rows) < CHUNK_ROWS:
                return removed


def _text(unix_time_s: float) -> str:
    return datetime.fromtimestamp(unix_time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
