"""``/v1/jobs``: the tenant's work of every kind, and trying again what failed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from engine.api.job import Job, JobKind, JobState
from engine.api.model import Page
from engine.server.caller import App, Creator, Minter, Reader
from engine.server.cursor import DEFAULT_PAGE, CursorQuery, LimitQuery
from engine.server.job_desk import JobDesk
from engine.server.once import OnceOnly, told

router = APIRouter(tags=["jobs"])


def _desk(caller: Reader, application: App) -> JobDesk:
    return JobDesk(application, caller)


Desk = Annotated[JobDesk, Depends(_desk)]


@router.get("/jobs", response_model=Page[Job])
def list_jobs(
    desk: Desk,
    kind: JobKind | None = None,
    state: Annotated[
        list[JobState] | None, Query(description="Only those that stand so; may be given several times.")
    ] = None,
    limit: LimitQuery = DEFAULT_PAGE,
    cursor: CursorQuery = None,
) -> Response:
    """Creations, mints, vouchers, pins and webhook deliveries, newest first. Deliveries need the scope `admin`."""
    with desk.application.records.database.reading() as connection:
        return told(desk.listed(connection, kind, state or (), limit, cursor))


@router.post("/creations/{creation_id}/retry", status_code=202, response_model=Job)
def retry_creation(caller: Creator, creation_id: str, once: OnceOnly, desk: Desk) -> Response:
    """Goes on with one that was set aside; asks once more for one that failed or was cancelled, as a new creation."""
    return once.answer(202, desk.retry(JobKind.CREATION, creation_id))


@router.post("/mints/{mint_id}/retry", status_code=202, response_model=Job)
def retry_mint(caller: Minter, mint_id: str, once: OnceOnly, desk: Desk) -> Response:
    """Goes on now with one that was set aside or waits; follows one that failed with a new one to the same account."""
    return once.answer(202, desk.retry(JobKind.MINT, mint_id))


@router.post("/vouchers/{voucher_id}/retry", status_code=202, response_model=Job)
def retry_voucher(caller: Minter, voucher_id: str, once: OnceOnly, desk: Desk) -> Response:
    """Goes on now with one that was set aside; follows one that failed with a new one for the same account."""
    return once.answer(202, desk.retry(JobKind.VOUCHER, voucher_id))


@router.post("/pins/{pin_id}/retry", status_code=202, response_model=Job)
def retry_pin(caller: Creator, pin_id: str, once: OnceOnly, desk: Desk) -> Response:
    """Asks the pinning service now, in place of at its next turn."""
    return once.answer(202, desk.retry(JobKind.PIN, pin_id))
