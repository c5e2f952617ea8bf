"""Creations as cards beside the form: where each stands, its pictures, and what can be done with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from engine.api.creation import Creation, CreationRequest
from engine.app import Application
from engine.database.creation_views import creation_views
from engine.database.creations import own_creation
from engine.database.recent_creations import ended_creations, own_creations, unfinished_creations
from engine.database.records import CreationRecord
from engine.errors import Conflict
from engine.server.api.creations import Desk
from engine.server.caller import Creator
from engine.server.once import OnceOnly
from engine.server.web.page import Creating, PageRoute, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MOST_UNFINISHED: Final = 30  # cards; /jobs lists the others
MOST_ENDED: Final = 6
MOST_PICTURES: Final = 16  # of one card; more are in the gallery
_MAX_SHOWN: Final = 300
Mark = Annotated[str, Query(max_length=120)]


@dataclass(frozen=True)
class Card:
    """``request`` is None for what the command line asked for."""

    creation: Creation
    request: CreationRequest | None

    @property
    def mark(self) -> str:
        """What the card shows, as a text that differs when the card would."""
        made, progress = self.creation, self.creation.progress
        step = "" if progress is None else f"{progress.done}.{progress.step}"
        return f"{made.id}:{made.status.value}:{made.queue_place or step}"


def cards_of(connection: Connection, found: Sequence[CreationRecord], application: Application) -> list[Card]:
    """The cards of creations, all of one tenant, in their order."""
    views = creation_views(connection, found, application.files)
    return [_card(view, record) for view, record in zip(views, found, strict=True)]


def recent_cards(connection: Connection, tenant_id: str, application: Application) -> list[Card]:
    """Those that the page begins with: the newest first, what has not ended before what has."""
    living = unfinished_creations(connection, tenant_id, MOST_UNFINISHED)
    return cards_of(
        connection, [*reversed(living), *ended_creations(connection, tenant_id, MOST_ENDED)], application
    )


def made_id(answer: Response) -> str:
    """The id of the creation that an answer of the API's tells."""
    return Creation.model_validate_json(bytes(answer.body)).id


def render_card(request: Request, card: Card) -> Response:
    return render(request, "parts/creation_cards.html", cards=[card], fresh=[], swap=False)


@router.get("/create/jobs/{creation_id}")
def read_card(request: Request, creation_id: str, desk: Desk) -> Response:
    return _answer(request, desk, creation_id)


@router.get("/create/beat")
def beat(
    request: Request,
    caller: Creating,
    desk: Desk,
    shown: Annotated[list[Mark] | None, Query(max_length=_MAX_SHOWN)] = None,
    after: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The cards that changed since they were shown, and those of other tabs. ``shown`` are marks of cards that had not
    ended, and of those asked for in the second ``after``, which is that of the newest.

    A mark that ends in ``:watched`` is of one whose steps the page hears of otherwise.
    """
    marks = dict(mark.split(":", 1) for mark in shown or () if ":" in mark)
    with desk.application.records.database.reading() as connection:
        known = own_creations(connection, caller.tenant_id, list(marks))
        living = unfinished_creations(connection, caller.tenant_id, MOST_UNFINISHED)
        ended = ended_creations(connection, caller.tenant_id, MOST_ENDED) if after else []
        unseen = [each for each in ended if each.created_at >= after and each.id not in marks]
        unseen = [*reversed(unseen), *(each for each in living if each.id not in marks)]
        fresh = cards_of(connection, unseen, desk.application)
        cards = cards_of(connection, known, desk.application)
    changed = [card for card in cards if _differs(card, marks[card.creation.id])]
    return render(request, "parts/creation_cards.html", cards=changed, fresh=fresh, swap=True)


@router.delete("/create/jobs/{creation_id}")
def cancel(request: Request, caller: Creator, creation_id: str, desk: Desk) -> Response:
    """Cancels it; what has ended stays as it is."""
    with desk.application.records.database.writing() as connection:
        desk.cancel(connection, creation_id)
    desk.application.creation_job.told()
    return _answer(request, desk, creation_id)


@router.post("/create/jobs/{creation_id}/resume")
def resume(request: Request, caller: Creator, creation_id: str, desk: Desk) -> Response:
    """Tries once more what was set aside."""
    with desk.application.records.database.writing() as connection:
        desk.resume(connection, creation_id)
    return _answer(request, desk, creation_id)


@router.post("/create/jobs/{creation_id}/again")
def again(request: Request, caller: Creator, creation_id: str, once: OnceOnly, desk: Desk) -> Response:
    """Asks for the same with another seed: a new creation, one for each Idempotency-Key."""
    with desk.application.records.database.reading() as connection:
        record = own_creation(connection, caller.tenant_id, creation_id)
    if record.request is None:
        raise Conflict("The command line drew this from a recipe; use Remix, which puts that into the form.")
    before = CreationRequest.model_validate(record.request)
    # Not minted again by a click that only asks for other pictures.
    wanted = desk.prepared(before.model_copy(update={"seed": None, "mint": None}))
    refusal = desk.refusal(wanted)
    answer = once.answer(202, lambda connection: desk.take_in(connection, wanted, refusal))
    return _answer(request, desk, made_id(answer))


def _answer(request: Request, desk: Desk, creation_id: str) -> Response:
    with desk.application.records.database.reading() as connection:
        record = own_creation(connection, desk.caller.tenant_id, creation_id)
        (card,) = cards_of(connection, [record], desk.application)
    return render_card(request, card)


def _differs(card: Card, shown: str) -> bool:
    if shown == "watched":
        return card.creation.status.ended
    return card.mark.split(":", 1)[1] != shown


def _card(view: Creation, record: CreationRecord) -> Card:
    return Card(view, None if record.request is None else CreationRequest.model_validate(record.request))
