"""Errors as HTTP: the one place that says which status and which problem type each error has (RFC 9457)."""

import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assets.errors import (
    AssetsError,
    BlockDamaged,
    BlockMissing,
    EntryMissing,
    InvalidCid,
    InvalidUnixFs,
    PinningFailed,
    StorageFailed,
)
from chain.errors import (
    ChainBusy,
    ChainError,
    InvalidAddress,
    InvalidSignIn,
    NodeUnreachable,
    SignerUnavailable,
    SignInRefused,
)
from engine.api.model import ADDRESS_PATTERN, TAG_PATTERN
from engine.errors import (
    BodyTooLarge,
    BodyTooSlow,
    Conflict,
    DatabaseUnusable,
    DataFolderUnusable,
    EngineError,
    InvalidBody,
    InvalidField,
    InvalidRequest,
    JobFailed,
    KeyRefused,
    KeyReused,
    LimitReached,
    ModerationUnavailable,
    NotCached,
    NotHeld,
    NotServed,
    NotSignedIn,
    OriginRefused,
    PromptRefused,
    QualityRefused,
    QueueFull,
    QuotaExceeded,
    RateExceeded,
    ScopeMissing,
    SignInUnavailable,
    StillRunning,
    TargetRefused,
    UnknownAsset,
    UnknownRecord,
    UnsatisfiableRange,
)
from generators.errors import GeneratorError

# Before the name of a kind of problem; clients compare the whole, so it never changes.
TYPE_PREFIX: Final = "urn:lorespark:problem:"
ROOM_ERRORS: Final = (EngineError, GeneratorError, AssetsError, ChainError)
_UNTOLD: Final = "Something failed inside the server; its log says what. Try again later."
_log = logging.getLogger(__name__)
# What people can do about a text that does not match.
PATTERNS: Final[Mapping[str | None, str]] = {
    ADDRESS_PATTERN: "An account's address is 0x and 40 hexadecimal digits",
    TAG_PATTERN: "A tag begins with a small letter or digit and goes on with those and . _ : -",
}


@dataclass(frozen=True)
class ProblemKind:
    """``told`` replaces the error's own sentence where that one is for the operator alone."""

    status: int
    name: str
    title: str
    told: str | None = None


UNEXPECTED: Final = ProblemKind(500, "internal", "The server failed", _UNTOLD)
NOT_READY: Final = ProblemKind(503, "not-ready", "A back end does not answer")
UNKNOWN_PATH: Final = ProblemKind(404, "unknown-path", "Nothing is served here")
WRONG_METHOD: Final = ProblemKind(405, "method-not-allowed", "The method is not allowed here")
INVALID_FIELDS: Final = ProblemKind(422, "invalid-fields", "Fields of the request cannot be used")
_CHAIN_AWAY: Final = ProblemKind(
    503,
    "chain-unreachable",
    "The chain does not answer",
    "The chain cannot be asked at this moment; try again later.",
)
_UNUSABLE: Final = ProblemKind(503, "storage-unusable", "The server's storage cannot be used", _UNTOLD)

# An error of none of these classes is UNEXPECTED, as are all that are no error of ours.
KINDS: Final[Mapping[type[Exception], ProblemKind]] = {
    InvalidCid: ProblemKind(400, "invalid-cid", "Not a content identifier"),
    InvalidField: INVALID_FIELDS,
    InvalidRequest: ProblemKind(400, "invalid-request", "The request cannot be fulfilled"),
    UnknownAsset: ProblemKind(404, "unknown-asset", "No such asset"),
    PinningFailed: ProblemKind(502, "pinning-failed", "A pinning service failed"),
    BlockMissing: ProblemKind(404, "not-held", "The content is not held here"),
    NotHeld: ProblemKind(404, "not-held", "The content is not held here"),
    EntryMissing: ProblemKind(404, "unknown-entry", "The path leads nowhere"),
    InvalidUnixFs: ProblemKind(404, "invalid-node", "The content is no sound file or directory"),
    NotServed: ProblemKind(406, "not-served", "The content has no such form"),
    InvalidBody: ProblemKind(400, "invalid-body", "The body cannot be read"),
    KeyRefused: ProblemKind(401, "key-refused", "An API key is needed"),
    ScopeMissing: ProblemKind(403, "scope-missing", "The API key may not do this"),
    UnknownRecord: ProblemKind(404, "unknown-record", "No such thing"),
    Conflict: ProblemKind(409, "conflict", "Not in this state"),
    BodyTooSlow: ProblemKind(408, "body-too-slow", "The body does not arrive"),
    BodyTooLarge: ProblemKind(413, "body-too-large", "The body is too large"),
    KeyReused: ProblemKind(422, "idempotency-key-reused", "The Idempotency-Key was used for another request"),
    PromptRefused: ProblemKind(422, "prompt-refused", "The prompt is refused"),
    ModerationUnavailable: ProblemKind(503, "moderation-unavailable", "Prompts cannot be checked"),
    TargetRefused: ProblemKind(422, "webhook-url-refused", "Nothing is sent to that URL"),
    JobFailed: ProblemKind(422, "job-failed", "The job ended without what it was asked for"),
    StillRunning: ProblemKind(504, "still-running", "It takes longer than a request may"),
    QualityRefused: ProblemKind(409, "quality-refused", "The asset fails the quality gate"),
    GeneratorError: ProblemKind(422, "not-drawable", "It cannot be drawn as asked"),
    NotSignedIn: ProblemKind(401, "not-signed-in", "A player has to be signed in"),
    OriginRefused: ProblemKind(403, "origin-refused", "The request comes from another site"),
    InvalidSignIn: ProblemKind(422, "invalid-sign-in", "Not a sign-in message"),
    SignInRefused: ProblemKind(403, "sign-in-refused", "The sign-in is refused"),
    SignInUnavailable: ProblemKind(503, "sign-in-unavailable", "Nobody can sign in here"),
    NodeUnreachable: _CHAIN_AWAY,
    ChainBusy: _CHAIN_AWAY,
    SignerUnavailable: ProblemKind(
        503,
        "signer-unreachable",
        "The signer does not answer",
        "Nothing can be signed at this moment; try again later.",
    ),
    InvalidAddress: ProblemKind(422, "invalid-address", "Not an account's address"),
    RateExceeded: ProblemKind(429, "rate-exceeded", "Too many requests"),
    QuotaExceeded: ProblemKind(429, "quota-exceeded", "The quota is used up"),
    QueueFull: ProblemKind(429, "queue-full", "Too much work waits"),
    NotCached: ProblemKind(412, "not-cached", "The content is not held here"),
    UnsatisfiableRange: ProblemKind(416, "unsatisfiable-range", "The range lies outside the content"),
    BlockDamaged: ProblemKind(500, "block-damaged", "A block is damaged"),
    StorageFailed: ProblemKind(500, "storage-failed", "The block store failed"),
    DatabaseUnusable: _UNUSABLE,
    DataFolderUnusable: _UNUSABLE,
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
                await problem(UNEXPECTED, _UNTOLD)(scope, receive, send)
