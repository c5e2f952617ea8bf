"""Where work waits: rows written in the same transaction as the record that the work is about."""

import time
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from engine.database import tables
from engine.database.clock import now

QUEUES = ("generate", "mint", "deliver", "expire")


def enqueue(
    connection: Connection,
    queue: str,
    record_id: str,
    tenant_id: str,
    *,
    model: str = "",
    priority: int = 0,
    after_s: float = 0.0,
) -> None:
    """Lets the record's work wait in ``queue`` from ``after_s`` seconds on; nothing where it waits already.

    ``model`` is the id of the one that a worker must have, "" for any worker.
    """
    table = tables.jobs
    known = select(table.c.number).where(table.c.queue == queue, table.c.record_id == record_id)
    if connection.scalar(known) is not None:
        return
    values: dict[str, Any] = {
        "queue": queue,
        "record_id": record_id,
        "tenant_id": tenant_id,
        "model": model,
        "priority": priority,
        "state": "queued",
        "run_after_ms": int((time.time() + after_s) * 1000),
        "created_at": now(),
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(**values))
    except IntegrityError:
        return  # another process was first


def waiting(connection: Connection, queue: str, tenant_id: str | None = None) -> int:
    """How many jobs wait in ``queue``, of all tenants or of one."""
    table = tables.jobs
    query = select(func.count()).select_from(table).where(table.c.queue == queue, table.c.state == "queued")
    if tenant_id is not None:
        query = query.where(table.c.tenant_id == tenant_id)
    return connection.scalar(query) or 0


def resume_job(connection: Connection, queue: str, record_id: str) -> bool:
    """Lets a job that was set aside be tried again; False where none is."""
    table = tables.jobs
    own = (table.c.queue == queue) & (table.c.record_id == record_id) & (table.c.state == "set_aside")
    values = {"state": "queued", "deaths": 0, "run_after_ms": int(time.time() * 1000)}
    return connection.execute(update(table).where(own).values(values)).rowcount > 0
