"""``/arena``: two models draw one prompt, a person picks the better picture, and the ranking follows."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from engine.database.duels import NEWEST_FIRST, Verdict, duel_of, duels_of
from engine.server.arena_desk import ArenaDesk
from engine.server.caller import App, Creator, Reader
from engine.server.cursor import page
from engine.server.web.page import PageRoute, elsewhere, render
from generators.recipe import MAX_PROMPT_CHARACTERS, Kind

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_KINDS: Final = (Kind.CHARACTER, Kind.ITEM, Kind.TILE, Kind.CLIP, Kind.ILLUSTRATION)
_RECENT: Final = 12


def _desk(caller: Reader, application: App) -> ArenaDesk:
    return ArenaDesk(application, caller)


Desk = Annotated[ArenaDesk, Depends(_desk)]


@router.get("/arena")
def arena(request: Request, desk: Desk, kind: Annotated[Kind | None, Query()] = None) -> Response:
    with desk.application.records.database.reading() as connection:
        standings = desk.ranking(connection, kind).data
        rows, _ = page(connection, duels_of(desk.caller.tenant_id), NEWEST_FIRST, _RECENT, None)
        open_to = {each: len(desk.entrants(connection, each)) for each in _KINDS}
    return render(
        request,
        "arena.html",
        standings=standings,
        recent=list(map(duel_of, rows)),
        kinds=[(each.value, open_to[each] >= 2) for each in _KINDS],
        kind=None if kind is None else kind.value,
    )


@router.post("/arena")
def begin(
    request: Request,
    caller: Creator,
    desk: Desk,
    prompt: Annotated[str, Form(min_length=1, max_length=MAX_PROMPT_CHARACTERS, pattern=r"\S")],
    kind: Annotated[Kind, Form()],
) -> Response:
    wanted, refusal = desk.prepared(kind, prompt.strip())
    with desk.application.records.database.writing() as connection:
        duel = desk.begin(connection, wanted, refusal)
    return elsewhere(request, f"/arena/{duel.id}")


@router.get("/arena/{duel_id}")
def duel(request: Request, desk: Desk, duel_id: str) -> Response:
    with desk.application.records.database.reading() as connection:
        sides = desk.sides(connection, duel_id)
    return render(request, "duel.html", sides=sides)


@router.get("/arena/{duel_id}/stand")
def stand(request: Request, desk: Desk, duel_id: str) -> Response:
    """The part of the page that changes while the two are drawn."""
    with desk.application.records.database.reading() as connection:
        sides = desk.sides(connection, duel_id)
    return render(request, "parts/duel.html", sides=sides)


@router.post("/arena/{duel_id}/verdict")
def judge(
    request: Request, caller: Creator, desk: Desk, duel_id: str, verdict: Annotated[Verdict, Form()]
) -> Response:
    with desk.application.records.database.writing() as connection:
        sides = desk.judge(connection, duel_id, verdict)
    return render(request, "parts/duel.html", sides=sides)
