"""What happens to a creation, in order: rows that every process can read, numbered from 1 for each creation."""

from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from engine.database.clock import now
from engine.database.tables import creation_events, creations

QUEUED: Final = "queued"
STARTED: Final = "started"
STEP: Final = "step"
PREVIEW: Final = "preview"
ASSET: Final = "asset"
# An end has the name of the status that it leads to: succeeded, failed or cancelled.


def append(connection: Connection, creation_id: str, type: str, data: dict[str, Any]) -> int:
    """Writes the next event; returns its number. Its place is fixed when the transaction ends."""
    counted = (
        update(creations)
        .where(creations.c.id == creation_id)
        .values(events=creations.c.events + 1)
        .returning(creations.c.events)
    )
    number = connection.execute(counted).scalar_one()
    connection.execute(
        insert(creation_events).values(
            creation_id=creation_id, number=number, type=type, data=data, created_at=now()
        )
    )
    return number


def last_type(connection: Connection, creation_id: str) -> str | None:
    """What happened last; None where nothing is written."""
    table = creation_events
    of_creation = select(table.c.type).where(table.c.creation_id == creation_id)
    return connection.scalar(of_creation.order_by(table.c.number.desc()).limit(1))


def drop_previews(connection: Connection, creation_id: str) -> None:
    """Takes the previews away; the numbers of what stays do not change."""
    table = creation_events
    connection.execute(delete(table).where(table.c.creation_id == creation_id, table.c.type == PREVIEW))
