"""The log of deliveries: what was sent to webhooks, when, and what became of it."""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Connection, Row, Select, select, update

from engine.api.webhook import Attempt, Delivery
from engine.database.clock import now
from engine.database.jobs import enqueue
from engine.database.tables import deliveries, delivery_attempts, jobs
from engine.errors import Conflict, UnknownRecord

QUEUE = "deliver"


def deliveries_of(tenant_id: str, webhook_id: str, status: str | None = None) -> Select[Any]:
    """The query of one webhook's deliveries, those with ``status`` where it is given."""
    table = deliveries
    query = select(table).where(table.c.tenant_id == tenant_id, table.c.webhook_id == webhook_id)
    return query if status is None else query.where(table.c.status == status)


def told_deliveries(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[Delivery, ...]:
    """``rows`` of deliveries with their attempts, in their order."""
    ids = [row.id for row in rows]
    attempts: defaultdict[str, list[Attempt]] = defaultdict(list)
    table = delivery_attempts
    tried = select(table).where(table.c.delivery_id.in_(ids)).order_by(table.c.delivery_id, table.c.number)
    for row in connection.execute(tried):
        attempts[row.delivery_id].append(Attempt.model_validate(row._mapping))
    waiting = select(jobs.c.record_id, jobs.c.run_after_ms).where(
        jobs.c.queue == QUEUE, jobs.c.record_id.in_(ids), jobs.c.state == "queued"
    )
    next_ms: dict[str, int] = {row.record_id: row.run_after_ms for row in connection.execute(waiting)}
    return tuple(
        Delivery(
            id=row.id,
            webhook=row.webhook_id,
            event_id=row.event_id,
            event=row.event,
            status=row.status,
            attempts=tuple(attempts[row.id]),
            next_at=_text(next_ms[row.id]) if row.status == "pending" and row.id in next_ms else None,
            created_at=row.created_at,
            body=from_json(row.body),
        )
        for row in rows
    )


def delivery_of(connection: Connection, tenant_id: str, delivery_id: str) -> Delivery:
    """Raises UnknownRecord."""
    return told_deliveries(connection, [_row(connection, tenant_id, delivery_id)])[0]


def begin_anew(connection: Connection, tenant_id: str, delivery_id: str) -> Delivery:
    """Lets a delivery have a new day of attempts from now on, with the same event, however it stands.

    Raises UnknownRecord, and Conflict while it is on its way.
    """
    row = _row(connection, tenant_id, delivery_id)
    job = (jobs.c.queue == QUEUE) & (jobs.c.record_id == delivery_id)
    state = connection.scalar(select(jobs.c.state).where(job).with_for_update())
    if state == "running":
        # Its worker is about to say how it ended, and would say so of the new round.
        raise Conflict("The delivery is on its way just now; look at how it ends, and ask again.")
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == row.id)
        .values(status="pending", earlier=deliveries.c.attempts, begun_at=now(), ended_at=None)
    )
    if state is None:
        enqueue(connection, QUEUE, row.id, tenant_id)
    else:
        connection.execute(
            update(jobs)
            .where(job)
            .values(state="queued", worker_id=None, deaths=0, run_after_ms=int(time.time() * 1000))
        )
    return delivery_of(connection, tenant_id, delivery_id)


def _row(connection: Connection, tenant_id: str, delivery_id: str) -> Row[Any]:
    own = (deliveries.c.id == delivery_id) & (deliveries.c.tenant_id == tenant_id)
    row = connection.execute(select(deliveries).where(own)).one_or_none()
    if row is None:
        raise UnknownRecord(
            f"There is no delivery {delivery_id[:80]!r}; list a webhook's deliveries to see those there are."
        )
    return row


def _text(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
