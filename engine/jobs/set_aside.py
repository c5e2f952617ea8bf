"""What a record says once its job was set aside, because its worker ended under it again and again."""

from sqlalchemy import Connection, update

from engine.api.creation import CreationStatus
from engine.database.clock import now
from engine.database.creations import end_creation
from engine.database.jobs import MAX_DEATHS, Job
from engine.database.mints import FINISHED_MINT
from engine.database.tables import deliveries, mints, pins
from engine.database.verifications import update_verification
from engine.database.voucher_places import LIVING_VOUCHER
from engine.database.vouchers import update_voucher

ENDED_WORKERS = f"It ended its worker {MAX_DEATHS} times and was set aside"
# By what the job of a voucher was.
_AGAIN = {
    "": "claiming the asset again tries it again",
    "cancel": "cancelling it again tries it again",
    "expire": "cancelling it ends it",
}


def tell_set_aside(connection: Connection, job: Job) -> None:
    """Within the transaction that sets the job aside."""
    if job.queue == "generate":
        told = f"{ENDED_WORKERS}; POST /v1/creations/{job.record_id}/resume tries it again."
        end_creation(connection, job.record_id, CreationStatus.FAILED, told)
    elif job.queue == "mint":
        unfinished = (mints.c.id == job.record_id) & mints.c.status.not_in(FINISHED_MINT)
        told = f"{ENDED_WORKERS}; asking for the mint again tries it again."
        connection.execute(update(mints).where(unfinished).values(error=told))
    elif job.queue == "pin":
        told = f"{ENDED_WORKERS}; `lorespark pin` tries it again."
        connection.execute(update(pins).where(pins.c.id == job.record_id).values(error=told))
    elif job.queue == "verify":
        told = f"{ENDED_WORKERS}; asking for the verification again tries it again."
        update_verification(connection, job.record_id, status="failed", error=told)
    elif job.queue == "voucher":
        what, _, voucher_id = job.record_id.rpartition(":")
        told = f"{ENDED_WORKERS}; {_AGAIN[what]}."
        update_voucher(connection, voucher_id, *LIVING_VOUCHER, error=told)
    elif job.queue == "deliver":
        pending = (deliveries.c.id == job.record_id) & (deliveries.c.status == "pending")
        connection.execute(update(deliveries).where(pending).values(status="failed", ended_at=now()))
