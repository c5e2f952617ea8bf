"""What a record says once its job was set aside, because its worker ended under it again and again."""

from sqlalchemy import Connection, update

from engine.database.clock import now
from engine.database.jobs import MAX_DEATHS, Job
from engine.database.records import FINISHED_MINT, UNFINISHED_CREATION
from engine.database.tables import creations, deliveries, mints

ENDED_WORKERS = f"It ended its worker {MAX_DEATHS} times and was set aside"


def tell_set_aside(connection: Connection, job: Job) -> None:
    """Within the transaction that sets the job aside."""
    if job.queue == "generate":
        own = (creations.c.id == job.record_id) & creations.c.status.in_(UNFINISHED_CREATION)
        told = f"{ENDED_WORKERS}; POST /v1/creations/{job.record_id}/resume tries it again."
        connection.execute(
            update(creations).where(own).values(status="failed", error=told, finished_at=now())
        )
    elif job.queue == "mint":
        unfinished = (mints.c.id == job.record_id) & mints.c.status.not_in(FINISHED_MINT)
        told = f"{ENDED_WORKERS}; asking for the mint again tries it again."
        connection.execute(update(mints).where(unfinished).values(error=told))
    elif job.queue == "deliver":
        pending = (deliveries.c.id == job.record_id) & (deliveries.c.status == "pending")
        connection.execute(update(deliveries).where(pending).values(status="failed", ended_at=now()))
