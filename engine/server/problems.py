"""Errors as HTTP: every error that leaves an endpoint becomes a problem (RFC 9457)."""

import logging
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.api.model import ADDRESS_PATTERN, TAG_PATTERN
from engine.errors import (
    InvalidField,
    KeyRefused,
    LimitReached,
    UnsatisfiableRange,
)
from engine.server.problem_kinds import (
    INVALID_FIELDS,
    KINDS,
    ROOM_ERRORS,
    TYPE_PREFIX,
    UNEXPECTED,
    UNKNOWN_PATH,
    UNTOLD,
    WRONG_METHOD,
    ProblemKind,
)

_log = logging.getLogger(__name__)
# What people can do about a text that does not match.
PATTERNS: Final[Mapping[str | None, str]] = {
    ADDRESS_PATTERN: "An account's address is 0x and 40 hexadecimal digits",
    TAG_PATTERN: "A tag begins with a small letter or digit and goes on with those and . _ : -",
}


def problem(
    kind: ProblemKind, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    """The response of one problem; ``members`` are the extensions of its kind."""
    body = {
        "type": TYPE_PREFIX + kind.name,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.told or detail,
        **members,
    }
    return JSONResponse(
        body,
        kind.status,
        {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})},
        "application/problem+json",
    )


def add_problems(app: FastAPI) -> None:
    """Makes every error that leaves an endpoint of ``app`` a problem, unknown paths and methods included."""
    for room_error in ROOM_ERRORS:
        app.add_exception_handler(room_error, _of_room)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_fields)
    app.add_middleware(LastResort)


def answer_to(request: Request, error: Exception) -> JSONResponse:
    """The problem that an error becomes, for who answers with it in another form."""
    if isinstance(error, RequestValidationError):
        return _of_fields(request, error)
    return _of_http(request, error) if isinstance(error, HTTPException) else _of_room(request, error)


def _of_room(_: Request, error: Exception) -> JSONResponse:
    return problem_of(error)


def problem_of(error: Exception, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The problem that one of our own errors is; one of the server's own goes to the log too."""
    kind = next((KINDS[kind] for kind in type(error).__mro__ if kind in KINDS), UNEXPECTED)
    if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s: %s", type(error).__name__, error)
    more = {**_headers(error), **(headers or {})}
    if isinstance(error, InvalidField):
        fields = [{"pointer": f"#{error.pointer}", "in": "body", "detail": str(error)}]
        return problem(kind, str(error), more, errors=fields)
    return problem(kind, str(error), more)


def _headers(error: Exception) -> dict[str, str]:
    match error:
        case UnsatisfiableRange():
            return {"Content-Range": f"bytes */{error.size}"}
        case KeyRefused():
            return {"WWW-Authenticate": "Bearer"}
        case LimitReached():
            return {"Retry-After": str(error.retry_after_s)}
    return {}


def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException), "registered for nothing else"
    path = request.url.path[:200]
    if error.status_code == UNKNOWN_PATH.status:
        return problem(UNKNOWN_PATH, f"There is nothing at {path}; /openapi.json lists what there is.")
    if error.status_code == WRONG_METHOD.status:
        allowed = ", ".join(_methods(request)) or "another path"
        return problem(
            WRONG_METHOD,
            f"{request.method[:20]} is not allowed at {path}; use {allowed}.",
            {"Allow": allowed},
        )
    title = HTTPStatus(error.status_code).phrase
    kind = ProblemKind(error.status_code, f"http-{error.status_code}", title)
    return problem(kind, f"{error.detail}", error.headers)


def _methods(request: Request) -> list[str]:
    """Those of the path. Each method is a route of its own, and the framework's answer names those of the first."""
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


def _of_fields(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError), "registered for nothing else"
    fields = [
        {
            "pointer": "#" + "".join(f"/{_token(part)}" for part in found["loc"][1:]),
            "in": str(found["loc"][0]),
            "detail": _fault(found),
        }
        for found in error.errors()
    ]
    first = f"{fields[0]['pointer']}: {fields[0]['detail']}" if fields else "the request is malformed"
    return problem(INVALID_FIELDS, f"The request cannot be read ({first}); correct it.", errors=fields)


def _fault(found: Mapping[str, Any]) -> str:
    """What is wrong with a field: the framework's sentence, or ours for a pattern that says it to programs alone."""
    pattern = found.get("ctx", {}).get("pattern") if found["type"] == "string_pattern_mismatch" else None
    return PATTERNS.get(pattern, found["msg"])


def _token(part: object) -> str:
    """A part of a JSON pointer. Source: RFC 6901, section 3."""
    return str(part).replace("~", "~0").replace("/", "~1")


class LastResort:
    """Answers for errors that nobody foresaw, and breaks off a response that had begun, so that it is not whole.

    The log gets the error's type and where it came from, not its text, which may repeat what a request held.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except ClientDisconnect:
            return
        except Exception as error:
            if begun and isinstance(error.__cause__, ROOM_ERRORS):
                _log.error("A response was broken off: %s", error.__cause__)
                return  # the server closes the connection, since the body has not ended
            places = "".join(traceback.format_tb(error.__traceback__))
            _log.error("An unexpected %s:\n%s", type(error).__name__, places)
            if not begun and scope["type"] == "http":
                await problem(UNEXPECTED, UNTOLD)(scope, receive, send)
