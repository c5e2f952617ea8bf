"""``/v1/creations``: asked for, watched, listed, cancelled and tried again."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response
from sqlalchemy import select

from engine.api.creation import Creation, CreationRequest, CreationStatus, Estimate
from engine.api.model import Page
from engine.database.creation_views import creation_views
from engine.database.creations import own_creation
from engine.database.records import CreationRecord
from engine.database.tables import creations
from engine.server.api.event_feed import MAX_EVENT_NUMBER, EventFeed
from engine.server.api.event_stream import EventStream
from engine.server.caller import App, Creator, Reader
from engine.server.creation_desk import CreationDesk
from engine.server.cursor import DEFAULT_PAGE, CursorQuery, LimitQuery, page
from engine.server.once import OnceOnly, told

router = APIRouter(tags=["creations"])
_NEWEST: Final = (creations.c.created_at, creations.c.id)


def _desk(caller: Reader, application: App) -> CreationDesk:
    return CreationDesk(application, caller)


Desk = Annotated[CreationDesk, Depends(_desk)]


@router.post(
    "/creations",
    status_code=202,
    response_model=Creation,
    responses={200: {"model": Estimate, "description": "With `dry_run`: what it would cost"}},
)
def create(caller: Creator, wanted: CreationRequest, once: OnceOnly, desk: Desk) -> Response:
    """Asks for assets. They are drawn in the background: watch `links.events`, or ask for `links.self`."""
    request = desk.prepared(wanted)
    if request.dry_run:
        with desk.application.records.database.reading() as connection:
            return told(desk.estimate(connection, request))
    refusal = desk.refusal(request)
    return once.answer(202, lambda connection: desk.take_in(connection, request, refusal), _location)


@router.get("/creations", response_model=Page[Creation])
def list_creations(
    desk: Desk,
    status: CreationStatus | None = None,
    collection: Annotated[str | None, Query(max_length=80)] = None,
    limit: LimitQuery = DEFAULT_PAGE,
    cursor: CursorQuery = None,
) -> Response:
    """The tenant's creations, newest first, without their assets: `links.assets` leads to these."""
    query = select(creations).where(creations.c.tenant_id == desk.caller.tenant_id)
    if status is not None:
        query = query.where(creations.c.status == status.value)
    if collection is not None:
        query = query.where(creations.c.collection_id == collection)
    with desk.application.records.database.reading() as connection:
        rows, following = page(connection, query, _NEWEST, limit, cursor)
        found = [CreationRecord(**row._mapping) for row in rows]
        views = creation_views(connection, found, None)
    return told(Page[Creation](data=tuple(views), next=following))


@router.get("/creations/{creation_id}", response_model=Creation)
def read_creation(creation_id: str, desk: Desk) -> Response:
    """Where it stands, and its assets once it has succeeded."""
    with desk.application.records.database.reading() as connection:
        return told(desk.read(connection, creation_id))


@router.delete("/creations/{creation_id}", response_model=Creation)
def cancel(caller: Creator, creation_id: str, desk: Desk) -> Response:
    """Cancels it. A drawing stops at its next step; what has ended stays as it is, and is the answer."""
    with desk.application.records.database.writing() as connection:
        view = desk.cancel(connection, creation_id)
    desk.application.creation_job.told()
    return told(view)


@router.post("/creations/{creation_id}/resume", status_code=202, response_model=Creation)
def resume(caller: Creator, creation_id: str, once: OnceOnly, desk: Desk) -> Response:
    """Tries a creation once more that was set aside because it ended its workers again and again."""
    return once.answer(202, lambda connection: desk.resume(connection, creation_id), _location)


def _watched(creation_id: str, desk: Desk) -> str:
    """The id of a creation that the caller may watch."""
    with desk.application.records.database.reading() as connection:
        return own_creation(connection, desk.caller.tenant_id, creation_id).id


@router.get(
    "/creations/{creation_id}/events",
    response_class=Response,
    responses={
        200: {
            "description": "`id` is the event's number, `event` its type, `data` JSON; see docs/api.md",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def watch(
    request: Request,
    watched: Annotated[str, Depends(_watched)],
    after: Annotated[
        int, Query(ge=0, le=MAX_EVENT_NUMBER, description="Begin after the event of this number.")
    ] = 0,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> Response:
    """Server-sent events: what has happened to it, then what happens, until it ends."""
    feed: EventFeed = request.app.state.event_feed
    seen = last_event_id or ""
    begin = int(seen) if seen.isascii() and seen.isdigit() and int(seen) <= MAX_EVENT_NUMBER else after
    return EventStream(feed.events(watched, begin))


def _location(made: Creation) -> Mapping[str, str]:
    return {"Location": made.links["self"]}
