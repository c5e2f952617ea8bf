"""``/enter``, ``/sign-in`` and ``/sign-out``: a browser gets a session, by a link or an API key, and ends it."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from engine.database.browsers import add_browser, end_browser, form_key, use_entry
from engine.database.tenants import known_key
from engine.server.browser import CREATOR_COOKIE, browser_key, browser_secret
from engine.server.caller import App
from engine.server.player import count_sign_in
from engine.server.site import check_origin, site_of
from engine.server.web.page import Creating, PageRoute, elsewhere, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_START: Final = "/create"
_USED: Final = (
    "The link was used before, or is older than a day. "
    "Make another with `lorespark link`, or sign in with an API key."
)
_NO_KEY: Final = "That is no living API key. Copy the whole key, or make one with `lorespark api-key create`."
Next = Annotated[str, Query(max_length=2000)]


@router.get("/")
def start(request: Request) -> Response:
    return RedirectResponse(_START if browser_secret(request) else "/sign-in", 303)


@router.get("/enter")
def enter(
    request: Request, application: App, token: Annotated[str, Query(max_length=200)] = "", next: Next = _START
) -> Response:
    """Signs the browser in that follows a link of `lorespark serve`."""
    count_sign_in(request)
    site = site_of(application.settings, request)
    with application.records.database.writing() as connection:
        secret = add_browser(connection, form_key(connection)) if use_entry(connection, token) else None
    if secret is None:
        if _is_signed_in(request, application):  # the link in the terminal is followed again
            return RedirectResponse(_local(next), 303)
        return render(request, "sign_in.html", status=403, fault=_USED, next=_local(next))
    answer = RedirectResponse(_local(next), 303, {"Cache-Control": "no-store"})
    CREATOR_COOKIE.set(answer, site, secret)
    return answer


@router.get("/sign-in")
def sign_in_page(request: Request, next: Next = _START) -> Response:
    return render(request, "sign_in.html", fault="", next=_local(next))


@router.post("/sign-in")
def sign_in(
    request: Request,
    application: App,
    key: Annotated[str, Form(max_length=200)],
    next: Annotated[str, Form(max_length=2000)] = _START,
) -> Response:
    """Signs the browser in as the tenant of an API key."""
    count_sign_in(request)
    site = site_of(application.settings, request)
    check_origin(site, request)
    with application.records.database.writing() as connection:
        known = known_key(connection, key.strip())
        secret = None if known is None else add_browser(connection, known.id)
    if secret is None:
        return render(request, "sign_in.html", status=403, fault=_NO_KEY, next=_local(next))
    answer = RedirectResponse(_local(next), 303, {"Cache-Control": "no-store"})
    CREATOR_COOKIE.set(answer, site, secret)
    return answer


@router.post("/sign-out")
def sign_out(request: Request, caller: Creating, application: App) -> Response:
    with application.records.database.writing() as connection:
        end_browser(connection, caller.secret)
    answer = elsewhere(request, "/sign-in")
    CREATOR_COOKIE.forget(answer, site_of(application.settings, request))
    return answer


def _is_signed_in(request: Request, application: App) -> bool:
    secret = browser_secret(request)
    return secret is not None and browser_key(application, request, secret) is not None


def _local(path: str) -> str:
    """A path of this site, whatever was asked for: a link must not lead who signs in to another."""
    parts = urlsplit(path)
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain and not parts.scheme and not parts.netloc else _START
