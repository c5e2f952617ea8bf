"""What a tenant's creators made last: all that has not ended, and some of what has."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from engine.api.creation import CreationStatus
from engine.database.queue_places import QUEUE
from engine.database.records import CreationRecord
from engine.database.tables import creations, jobs

_LIVING = (CreationStatus.QUEUED.value, CreationStatus.RUNNING.value)


def unfinished_creations(connection: Connection, tenant_id: str, most: int) -> list[CreationRecord]:
    """Those that have not ended, the first asked for first: they are drawn in about that order."""
    own_job = (jobs.c.queue == QUEUE) & (jobs.c.record_id == creations.c.id)
    query = (
        select(creations)
        .outerjoin(jobs, own_job)
        .where(creations.c.tenant_id == tenant_id, creations.c.status.in_(_LIVING))
        .order_by(creations.c.created_at, jobs.c.number, creations.c.id)  # times are kept to the second
        .limit(most)
    )
    return [CreationRecord(**row._mapping) for row in connection.execute(query)]


def ended_creations(connection: Connection, tenant_id: str, most: int) -> list[CreationRecord]:
    """The newest of those that have ended, newest first."""
    query = (
        select(creations)
        .where(creations.c.tenant_id == tenant_id, creations.c.status.not_in(_LIVING))
        .order_by(creations.c.created_at.desc(), creations.c.id.desc())
        .limit(most)
    )
    return [CreationRecord(**row._mapping) for row in connection.execute(query)]


def own_creations(connection: Connection, tenant_id: str, ids: Sequence[str]) -> list[CreationRecord]:
    """Those of the tenant's that have one of these ids, in no order; others are left out."""
    if not ids:
        return []
    query = select(creations).where(creations.c.tenant_id == tenant_id, creations.c.id.in_(ids))
    return [CreationRecord(**row._mapping) for row in connection.execute(query)]
