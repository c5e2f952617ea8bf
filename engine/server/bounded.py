"""What a request may be before anything reads it: its address, and the size, time and JSON of its body.

The body is read here, whole, so that nothing behind waits for a client, and JSON is checked by pydantic_core: importing
eth raises Python's limit of recursion so far that json.loads ends the process at what is nested deeply enough.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import BodyTooLarge, BodyTooSlow, EngineError, InvalidBody, InvalidRequest
from engine.server.problems import problem_of

MAX_BODY_BYTES: Final = 2**20
MAX_IMAGE_BYTES: Final = 16 * 2**20
# For the whole body: 16 MiB then need 2.3 Mbit/s.
BODY_TIMEOUT_S: Final = 60.0
_LARGER: Final[Mapping[tuple[str, str], int]] = {
    ("POST", "/v1/assets"): MAX_IMAGE_BYTES,
    ("POST", "/create/pictures"): MAX_IMAGE_BYTES,
}
# What is left of the body is not read, so the connection is of no more use.
_CLOSE: Final = {"Connection": "close"}
Form = Callable[[JSONResponse], JSONResponse]


class BoundedRequests:
    """Lets a request through once its body is there and can be used; else answers with the problem."""

    def __init__(
        self, app: ASGIApp, timeout_s: float = BODY_TIMEOUT_S, forms: Mapping[str, Form] | None = None
    ) -> None:
        """``forms`` are the paths whose problems are told in another form."""
        self.app, self.timeout_s, self.forms = app, timeout_s, forms or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            _check_address(scope)
            body = await self._body(scope, headers, receive) if _has_body(headers) else b""
        except EngineError as error:
            unread = isinstance(error, BodyTooLarge | BodyTooSlow)
            answer = problem_of(error, _CLOSE if unread else None)
            form = self.forms.get(scope["path"])
            await (answer if form is None else form(answer))(scope, receive, send)
            return
        if body is None:
            return  # the client went away
        if not body:
            await self.app(scope, receive, send)
            return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receiving() -> Message:
            return waiting.pop() if waiting else await receive()

        await self.app(scope, receiving, send)

    async def _body(self, scope: Scope, headers: Headers, receive: Receive) -> bytes | None:
        is_json = any("json" in value.lower() for value in headers.getlist("content-type"))
        most = MAX_BODY_BYTES if is_json else _LARGER.get((scope["method"], scope["path"]), MAX_BODY_BYTES)
        declared = headers.get("content-length", "")
        if declared.isdecimal() and (len(declared) > 18 or int(declared) > most):
            raise _too_large(most)
        try:
            async with asyncio.timeout(self.timeout_s):
                body = await _read(receive, most)
        except TimeoutError as error:
            raise BodyTooSlow(
                f"The body did not arrive within {self.timeout_s:g} s; send it faster, or a smaller one."
            ) from error
        if body and is_json:
            _check_json(body)
        return body


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


async def _read(receive: Receive, most: int) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body has more than the {most:,d} bytes that are read here; send less.")


def _check_address(scope: Scope) -> None:
    """Raises InvalidRequest for a null character: PostgreSQL keeps none, and nothing of ours has one in its name.

    The gateway's paths are not ours.
    """
    if scope["path"].startswith("/v1/") and ("\0" in scope["path"] or b"%00" in scope["query_string"]):
        raise InvalidRequest("The address holds a null character (%00); leave it out.")


def _check_json(body: bytes) -> None:
    """Raises InvalidBody for what is no JSON in UTF-8, nested too deeply, or has texts that cannot be kept."""
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:  # it names the place, and repeats nothing
        raise InvalidBody(f"The body is not JSON that can be read ({error}); correct it.") from error
    if rb"\u0000" in body and _has_null(value):
        raise InvalidBody("A text in the body holds a null character (\\u0000); leave it out.")


def _has_null(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any("\0" in name or _has_null(item) for name, item in value.items())
        case list():
            return any(map(_has_null, value))
    return False
