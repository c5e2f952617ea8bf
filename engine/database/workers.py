"""Who works on the jobs: a row for each worker process, as long as it gives signs of life."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, text, update

from engine.database.clock import clock_ms, now
from engine.database.jobs import Job, put_back_all, take_over
from engine.database.tables import jobs, workers

BEAT_S: Final = 1.0  # how often a worker says that it lives
SILENT_S: Final = 5.0  # after this it is dead; its work goes on within twice as long


def register(
    connection: Connection,
    worker_id: str,
    *,
    host: str,
    pid: int,
    session: str,
    queues: Sequence[str],
    models: Sequence[dict[str, Any]],
) -> None:
    """``session`` is the application name of the process' connections, which end with it when it is found dead."""
    connection.execute(
        insert(workers).values(
            id=worker_id,
            host=host[:200],
            pid=pid,
            session=session,
            queues=list(queues),
            models=list(models),
            started_at=now(),
            beat_at_ms=clock_ms(connection),
        )
    )


def beat(connection: Connection, worker_id: str) -> bool:
    """A sign of life; False where others have given the worker up and taken its jobs over."""
    own = workers.c.id == worker_id
    return connection.execute(update(workers).where(own).values(beat_at_ms=clock_ms(connection))).rowcount > 0


def announce(
    connection: Connection, worker_id: str, queues: Sequence[str], models: Sequence[dict[str, Any]]
) -> None:
    """Changes what the worker takes and can draw with."""
    own = workers.c.id == worker_id
    connection.execute(update(workers).where(own).values(queues=list(queues), models=list(models)))


def unregister(connection: Connection, worker_id: str) -> None:
    """Ends a worker as it should end: what it has waits again, and no death is counted."""
    put_back_all(connection, worker_id)
    connection.execute(delete(workers).where(workers.c.id == worker_id))


def cut_off_silent(connection: Connection) -> list[str]:
    """The ids of workers without a sign of life for ``SILENT_S``, after ending their connections.

    A process that was stopped holds its locks for as long as its connections are open. PostgreSQL alone.
    """
    found = connection.execute(
        select(workers.c.id, workers.c.session).where(_silent(connection)).order_by(workers.c.id)
    ).all()
    for row in found:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = :session AND datname = current_database()"
            ),
            {"session": row.session},
        )
    return [row.id for row in found]


def bury(connection: Connection, worker_ids: Sequence[str]) -> list[Job]:
    """Removes those of the workers that are still silent and takes their jobs over; returns those set aside."""
    connection.execute(delete(workers).where(workers.c.id.in_(worker_ids), _silent(connection)))
    return take_over(connection)


def bury_all(connection: Connection) -> list[Job]:
    """The same for all workers there are, by who knows that none of them lives."""
    connection.execute(delete(workers))
    return take_over(connection)


def has_orphans(connection: Connection) -> bool:
    """Whether a job is in the hands of a worker that is gone, as one that woke up after it was given up may leave."""
    gone = jobs.c.worker_id.not_in(select(workers.c.id))
    return (
        connection.scalar(select(jobs.c.number).where(jobs.c.state == "running", gone).limit(1)) is not None
    )


def living(connection: Connection) -> int:
    """How many workers there are."""
    return connection.scalar(select(func.count()).select_from(workers)) or 0


def _silent(connection: Connection) -> ColumnElement[bool]:
    return workers.c.beat_at_ms < clock_ms(connection) - int(SILENT_S * 1000)
