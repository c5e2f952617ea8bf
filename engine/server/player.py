"""Who plays: the session that a request's cookie names."""

import time
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from fastapi.security import APIKeyCookie

from engine.app import Application
from engine.database.players import SESSION_LIFE_S, SLIDES_AFTER_S, Session, living_session, slide
from engine.errors import NotSignedIn, RateExceeded
from engine.server.caller import application_of
from engine.server.rate import RateLimits
from engine.server.site import check_origin, site_of
from engine.server.site_cookie import SiteCookie

PLAYER_COOKIE: Final = SiteCookie("lorespark_session", SESSION_LIFE_S)
_READING: Final = ("GET", "HEAD")
# For the OpenAPI document; which name the cookie has, the site says.
cookie = APIKeyCookie(
    name=PLAYER_COOKIE.name,
    auto_error=False,
    scheme_name="session",
    description="The session of a player, as `POST /v1/wallet/login` begins it.",
)


def count_sign_in(request: Request) -> None:
    """Counts a request that needs no API key by its client's address. Raises RateExceeded."""
    rates: RateLimits = request.app.state.rates
    client = request.client
    standing = request.state.standing = rates.count_sign_in(None if client is None else client.host)
    if not standing.allowed:
        raise RateExceeded(
            f"Too many requests of players come from this address; wait {standing.reset_s} s.",
            standing.reset_s,
        )


def has_cookie(request: Request) -> bool:
    """Whether the request names a session, living or not."""
    return PLAYER_COOKIE.is_sent(request)


def signed_in(application: Application, request: Request) -> Session:
    """The request's session, its end moved. A request that changes something has to come from the site's own page.

    Raises RateExceeded, OriginRefused, NotSignedIn.
    """
    count_sign_in(request)
    site = site_of(application.settings, request)
    secret = PLAYER_COOKIE.secret(request, application.settings)
    if request.method not in _READING:
        check_origin(site, request)
    database = application.records.database
    session = None
    if secret is not None:
        with database.reading() as connection:
            session = living_session(connection, secret)
    if session is None:
        raise NotSignedIn("Nobody is signed in; ask for /v1/wallet/nonce, sign, and log in.")
    if (
        session.expires_at_ms / 1000 - time.time() < SESSION_LIFE_S - SLIDES_AFTER_S
    ):  # else nothing is written
        with database.writing() as connection:
            session = slide(connection, session)
        if session.slid:
            request.state.cookie = (site, secret)
    return session


def keep_signed_in(request: Request, response: Response) -> Response:
    """Lets the browser keep the session's cookie for as long as the session lives now."""
    if (kept := getattr(request.state, "cookie", None)) is not None:
        PLAYER_COOKIE.set(response, *kept)
    return response


async def _player(request: Request, _: Annotated[str | None, Depends(cookie)]) -> Session:
    return await run_in_threadpool(signed_in, application_of(request), request)


async def _anybody(request: Request) -> None:
    await run_in_threadpool(count_sign_in, request)


# What an endpoint asks for in its signature: a signed-in player, or no more than that the client is counted.
SignedIn = Annotated[Session, Depends(_player)]
Anybody = Depends(_anybody)
