"""What changes a creation: taken in, begun, ended, tried again. Each within a transaction of the caller's."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select, update

from engine.api.creation import CreationRequest, CreationStatus
from engine.api.webhook import EventType
from engine.asset_files import AssetFiles
from engine.database.clock import now
from engine.database.creation_events import QUEUED, STARTED, append, drop_previews, last_type
from engine.database.creation_views import creation_views
from engine.database.jobs import BUNDLED, enqueue, resume_job
from engine.database.queue_places import QUEUE
from engine.database.records import CreationRecord
from engine.database.tables import creations, jobs
from engine.database.usage import add_use
from engine.database.webhooks import announce
from engine.errors import Conflict, UnknownRecord

_ENDS: Final = {
    CreationStatus.SUCCEEDED: EventType.CREATION_SUCCEEDED,
    CreationStatus.FAILED: EventType.CREATION_FAILED,
    CreationStatus.CANCELLED: EventType.CREATION_CANCELLED,
}


def own_creation(connection: Connection, tenant_id: str, creation_id: str) -> CreationRecord:
    """Raises UnknownRecord where the tenant has none of that id."""
    own = (creations.c.id == creation_id) & (creations.c.tenant_id == tenant_id)
    row = connection.execute(select(creations).where(own)).one_or_none()
    if row is None:
        raise UnknownRecord(
            f"There is no creation {creation_id[:80]!r}; list the creations to see those there are."
        )
    return CreationRecord(**row._mapping)


def locked_creation(connection: Connection, creation_id: str) -> CreationRecord:
    """The creation, which nobody else changes until the transaction ends. A job's row is locked before it, never
    after."""
    query = select(creations).where(creations.c.id == creation_id).with_for_update()
    return CreationRecord(**connection.execute(query).one()._mapping)


def has_ended(creation: CreationRecord) -> bool:
    return CreationStatus(creation.status).ended


def add_creation(
    connection: Connection, tenant_id: str, key_id: str | None, request: CreationRequest
) -> CreationRecord:
    """Takes a request in, its seed filled in, and lets it wait for a worker."""
    creation_id = f"creation-{uuid4().hex[:20]}"
    connection.execute(
        insert(creations).values(
            id=creation_id,
            tenant_id=tenant_id,
            key_id=key_id,
            status=CreationStatus.QUEUED.value,
            request=request.model_dump(mode="json"),
            recipes=[],
            count=request.count,
            collection_id=request.collection,
            created_at=now(),
        )
    )
    append(connection, creation_id, QUEUED, {"count": request.count})
    enqueue(
        connection, QUEUE, creation_id, tenant_id, model=request.model or BUNDLED, priority=request.priority
    )
    return own_creation(connection, tenant_id, creation_id)


def begin_creation(connection: Connection, creation_id: str, recipes: Sequence[dict[str, Any]]) -> int:
    """Marks it as running and keeps its recipes, unless it has some; returns how many it has, 0 where it has ended."""
    creation = locked_creation(connection, creation_id)
    if has_ended(creation):
        return 0
    kept = creation.recipes or list(recipes)
    values: dict[str, Any] = {"recipes": kept, "status": CreationStatus.RUNNING.value, "error": None}
    if creation.started_at is None:
        values["started_at"] = now()
        append(connection, creation_id, STARTED, {"count": len(kept), "model": kept[0]["model"]})
    connection.execute(update(creations).where(creations.c.id == creation_id).values(**values))
    return len(kept)


def end_creation(
    connection: Connection,
    creation_id: str,
    status: CreationStatus,
    error: str | None = None,
    files: AssetFiles | None = None,
    **told: Any,
) -> bool:
    """Ends a creation that has not ended; False where it has, and nothing changes.

    Its assets are recorded before; ``files`` are needed where there are some. What it reserved and did not deliver
    goes back to the day it was taken from. ``told`` goes into its last event beside the ``error``.
    """
    creation = locked_creation(connection, creation_id)
    if has_ended(creation):
        return False
    own = creations.c.id == creation_id
    connection.execute(
        update(creations).where(own).values(status=status.value, error=error, finished_at=now())
    )
    drop_previews(connection, creation_id)
    append(connection, creation_id, status.value, ({} if error is None else {"error": error}) | told)
    if creation.key_id is not None and status is not CreationStatus.SUCCEEDED:
        add_use(connection, creation.key_id, _day(creation), assets=-creation.count)
    (view,) = creation_views(connection, [locked_creation(connection, creation_id)], files)
    announce(connection, creation.tenant_id, _ENDS[status], view.model_dump(mode="json"))
    return True


def cancel_creation(connection: Connection, tenant_id: str, creation_id: str) -> CreationRecord:
    """Ends it as cancelled, unless it has ended. Who draws it finds that out at the next step.

    Raises UnknownRecord.
    """
    in_no_hands = (jobs.c.queue == QUEUE) & (jobs.c.record_id == creation_id) & (jobs.c.state != "running")
    if not has_ended(own_creation(connection, tenant_id, creation_id)):
        connection.execute(delete(jobs).where(in_no_hands))
        end_creation(connection, creation_id, CreationStatus.CANCELLED)
    return own_creation(connection, tenant_id, creation_id)


def resume_creation(connection: Connection, tenant_id: str, creation_id: str) -> CreationRecord:
    """Lets a creation whose job was set aside wait once more. Raises UnknownRecord, Conflict where none was."""
    before = own_creation(connection, tenant_id, creation_id)
    failed = last_type(connection, creation_id) == CreationStatus.FAILED
    if not resume_job(connection, QUEUE, creation_id):
        raise Conflict(
            f"The creation {creation_id} is {before.status} and was not set aside; only what ended its workers "
            "again and again can be tried once more. Ask for a new one."
        )
    connection.execute(
        update(creations)
        .where(creations.c.id == creation_id)
        .values(status=CreationStatus.QUEUED.value, error=None, started_at=None, finished_at=None)
    )
    append(connection, creation_id, QUEUED, {"count": before.count})
    if before.key_id is not None and failed:
        add_use(connection, before.key_id, _day(before), assets=before.count)  # given back when it failed
    return own_creation(connection, tenant_id, creation_id)


def _day(creation: CreationRecord) -> str:
    """The day (UTC) whose quota it was taken from."""
    return creation.created_at[:10]
