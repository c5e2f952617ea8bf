"""``/openapi.json``, completed in one place with what all operations share, and ``/docs``, the same as a page."""

from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from engine.api.problem import Problem
from engine.server.docs_page import page

_DESCRIPTION: Final = """\
Prompts become sprites, sprites become tokens that anyone can verify.

Send an API key as `Authorization: Bearer lsk_…` with everything under `/v1`; `lorespark api-key create` makes the \
first. Players have none and sign in under `/v1/wallet`. Send an `Idempotency-Key` with a POST to repeat it safely for \
24 h. Every error is a problem detail (RFC 9457) whose `type` never changes. Each answer tells in `RateLimit` what is \
left of the key's requests a minute."""
_PROBLEM: Final = "#/components/schemas/Problem"
_PROBLEM_TYPE: Final = "application/problem+json"
# FastAPI's own form of a 422, which no answer here has.
_UNUSED: Final = ("HTTPValidationError", "ValidationError")
_ANY: Final = {"4XX": "The request cannot be fulfilled", "5XX": "The server failed"}
_KEYED: Final = {
    "400": "The request cannot be read",
    "401": "No API key, or none that is known",
    "403": "The API key may not do this",
    "404": "The tenant has no such thing",
    "409": "Not in this state",
    "413": "The body is too large",
    "422": "Fields of the request cannot be used, or its Idempotency-Key came with another request",
    "429": "A rate, a quota or a queue is full",
} | _ANY
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds until it may be asked again.", "schema": {"type": "integer"}}
}
_RATE_HEADERS: Final = {
    name: {"description": description, "schema": {"type": "string"}}
    for name, description in (
        ("RateLimit-Policy", "Requests (q) in a window of seconds (w)."),
        ("RateLimit", "Requests that remain (r), and the seconds until there is one more (t)."),
    )
}


class Document:
    """The OpenAPI document of ``app``, made anew when routes were added."""

    def __init__(self, app: FastAPI) -> None:
        app.description, app.servers = _DESCRIPTION, [{"url": "/"}]
        self._made = app.openapi
        self._complete: dict[str, Any] = {}

    def __call__(self) -> dict[str, Any]:
        document = self._made()
        if document is not self._complete:
            _complete(document)
            self._complete = document
        return document


router = APIRouter(include_in_schema=False)


@router.get("/docs")
def read_docs(request: Request) -> Response:
    """The page for people. It needs no script and no other host."""
    return HTMLResponse(
        page(request.app.openapi()),
        headers={
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _complete(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _UNUSED:
        schemas.pop(name, None)
    made = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= made.pop("$defs", {}) | {"Problem": made}
    for path, operations in document["paths"].items():
        keyed = path.startswith("/v1/")
        for operation in operations.values():
            _answers(operation, _KEYED if keyed else _ANY)
            for need in operation.get("security", ()):
                if "session" in need:
                    need["session"] = []  # scopes are the keys'
            if keyed:
                for answer in operation["responses"].values():
                    answer["headers"] = _RATE_HEADERS | answer.get("headers", {})
                operation["responses"]["429"]["headers"] |= _RETRY_AFTER


def _answers(operation: dict[str, Any], problems: dict[str, str]) -> None:
    """Adds the problems; what the route itself says of an answer stays, but for FastAPI's 422."""
    answers: dict[str, Any] = operation["responses"]
    if _UNUSED[0] in str(answers.get("422")):
        del answers["422"]
    for status in problems.keys() | {status for status in answers if status >= "4"}:
        usual = {
            "description": problems.get(status, ""),
            "content": {_PROBLEM_TYPE: {"schema": {"$ref": _PROBLEM}}},
        }
        answers[status] = usual | answers.get(status, {})
    operation["responses"] = dict(sorted(answers.items()))
