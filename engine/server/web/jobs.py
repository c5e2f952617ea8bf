"""``/jobs``: what waits, runs or ended lately, why it failed, and what to do about it."""

import hashlib
import json
import time
from enum import StrEnum
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from engine.api.job import UNFINISHED, Job, JobKind, JobState
from engine.api.model import Page
from engine.database.job_feed import job_counts
from engine.server.caller import App
from engine.server.cursor import CursorQuery
from engine.server.job_desk import JobDesk
from engine.server.web.page import Creating, PageRoute, message, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_ROWS: Final = 25
_EVERY_S: Final = 3  # how often the list asks for what changed
_REFRESHES_FOR_S: Final = 600  # after which a forgotten page asks no more


class Show(StrEnum):
    ALL = "all"
    UNFINISHED = "unfinished"
    FAILED = "failed"
    ENDED = "ended"


_STATES: Final[dict[Show, tuple[JobState, ...]]] = {
    Show.ALL: (),
    Show.UNFINISHED: UNFINISHED,
    Show.FAILED: (JobState.FAILED,),
    Show.ENDED: (JobState.SUCCEEDED, JobState.CANCELLED),
}
# What pages say of a job's kind and state.
KINDS: Final = {
    JobKind.CREATION: "Creation",
    JobKind.MINT: "Mint",
    JobKind.VOUCHER: "Voucher",
    JobKind.PIN: "Pin",
    JobKind.DELIVERY: "Webhook",
}
_RETRIED: Final = {
    JobKind.CREATION: "It is asked for once more.",
    JobKind.MINT: "The mint is tried again.",
    JobKind.VOUCHER: "The voucher is tried again.",
    JobKind.PIN: "The pin is tried again.",
    JobKind.DELIVERY: "The event is sent again.",
}


def _desk(caller: Creating, application: App) -> JobDesk:
    return JobDesk(application, caller)


Desk = Annotated[JobDesk, Depends(_desk)]
Kind = Annotated[JobKind | None, Query()]


@router.get("/jobs")
def jobs_page(
    request: Request, desk: Desk, kind: Kind = None, show: Show = Show.ALL, cursor: CursorQuery = None
) -> Response:
    return render(request, "jobs.html", **_found(desk, kind, show, cursor, _until()))


@router.get("/jobs/list")
def jobs_list(
    request: Request,
    desk: Desk,
    kind: Kind = None,
    show: Show = Show.ALL,
    cursor: CursorQuery = None,
    until: Annotated[int, Query(ge=0, le=2**53)] = 0,
    seen: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """The list alone; nothing where it is as it was ``seen``. After ``until`` (Unix time) it asks no more by itself."""
    found = _found(desk, kind, show, cursor, until or _until())
    if found["seen"] == seen and found["refreshes"]:
        return Response(status_code=204)
    return render(request, "parts/jobs.html", **found)


@router.post("/jobs/{kind}/{record_id}/retry")
def retry(desk: Desk, kind: JobKind, record_id: str) -> Response:
    effect = desk.retry(kind, record_id)
    with desk.application.records.database.writing() as connection:
        effect(connection)
    return _changed(_RETRIED[kind])


@router.post("/jobs/{kind}/{record_id}/cancel")
def cancel(desk: Desk, kind: JobKind, record_id: str) -> Response:
    with desk.application.records.database.writing() as connection:
        now = desk.cancel(connection, kind, record_id)
    desk.application.creation_job.told()
    said = "is cancelled" if now.state is JobState.CANCELLED else "is being cancelled on the chain"
    return _changed(f"The {KINDS[kind].lower()} {said}.")


def _changed(said: str) -> Response:
    """Says so, and lets the list show what became of it."""
    triggers = message(said) | {"refresh-jobs": True}
    return Response(status_code=204, headers={"HX-Trigger": json.dumps(triggers)})


def _until() -> int:
    return int(time.time()) + _REFRESHES_FOR_S


def _found(desk: JobDesk, kind: JobKind | None, show: Show, cursor: str | None, until: int) -> dict[str, Any]:
    with desk.application.records.database.reading() as connection:
        listed: Page[Job] = desk.listed(connection, kind, _STATES[show], _ROWS, cursor)
        counts = job_counts(connection, desk.caller.tenant_id)
    told = listed.model_dump_json() + counts.model_dump_json()
    seen = hashlib.sha256(told.encode()).hexdigest()[:16]
    chosen = {"kind": kind.value if kind else None, "show": show.value if show is not Show.ALL else None}

    def query(**changed: str | int | None) -> str:
        wanted = {name: value for name, value in (chosen | changed).items() if value is not None}
        return f"?{urlencode(wanted)}" if wanted else ""

    return {
        "jobs": listed.data,
        "counts": counts,
        "kinds": {each: KINDS[each] for each in desk.kinds()},
        "changes": desk.changes,
        "kind": kind,
        "show": show,
        "shows": {Show.ALL: "All", Show.UNFINISHED: "Unfinished", Show.FAILED: "Failed", Show.ENDED: "Ended"},
        "query": query,
        "older": None if listed.next is None else f"/jobs{query(cursor=listed.next)}",
        "newest": None if cursor is None else f"/jobs{query()}",
        "again": f"/jobs/list{query(cursor=cursor, until=until, seen=seen)}",
        "refreshed": f"/jobs{query(cursor=cursor)}",
        "refreshes": time.time() < until,
        "every_s": _EVERY_S,
        "seen": seen,
        "names": KINDS,
    }
