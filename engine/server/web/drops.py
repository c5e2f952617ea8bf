"""``/drops/{id}``: the public page of a drop, where a wallet claims. It needs no creator's session."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from engine.app import Application
from engine.database.drops import known_drop
from engine.database.players import Session
from engine.drop_views import public_view
from engine.errors import NotSignedIn, SignInUnavailable
from engine.server.caller import App
from engine.server.drop_desk import ClaimDesk
from engine.server.player import Anybody, has_cookie, keep_signed_in, signed_in
from engine.server.web.page import PageRoute, render
from engine.server.web.polling import next_look_s

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_UNDER_WAY = ("prepared", "signed", "cancelling")


@router.get("/drops/{drop_id}", dependencies=[Anybody])
def show(request: Request, drop_id: str, application: App) -> Response:
    with application.records.database.reading() as connection:
        drop = public_view(connection, known_drop(connection, drop_id), application.settings.chain_id)
    parts = _mine(application, _player(request, application), drop_id, 0)
    return keep_signed_in(request, render(request, "drop.html", drop=drop, **parts))


@router.get("/drops/{drop_id}/mine", dependencies=[Anybody])
def mine(
    request: Request, drop_id: str, application: App, looks: Annotated[int, Query(ge=0, le=100_000)] = 0
) -> Response:
    """What the signed-in player claimed here, and what is left for all."""
    with application.records.database.reading() as connection:
        drop = public_view(connection, known_drop(connection, drop_id), application.settings.chain_id)
    parts = _mine(application, _player(request, application), drop_id, looks)
    return keep_signed_in(request, render(request, "parts/drop_mine.html", drop=drop, **parts))


def _player(request: Request, application: Application) -> Session | None:
    """Who is signed in by a wallet, if anybody is."""
    try:
        return signed_in(application, request) if has_cookie(request) else None
    except (NotSignedIn, SignInUnavailable):
        return None


def _mine(application: Application, session: Session | None, drop_id: str, looks: int) -> dict[str, Any]:
    claims = None if session is None else ClaimDesk(application, session.player).claims(drop_id)
    waits = claims is not None and any(claim.status in _UNDER_WAY for claim in claims.data)
    return {
        "claims": claims,
        "waits": waits,
        "again_s": next_look_s(looks) if waits else None,
        "looks": looks + 1,
    }
