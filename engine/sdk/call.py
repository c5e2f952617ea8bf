"""One request, described apart from how it is sent, and how its answer is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx2
from pydantic import BaseModel, ValidationError

from engine.api.model import Page
from engine.sdk.errors import Invalid, invalid, strange

T = TypeVar("T")
Shape = TypeVar("Shape", bound=BaseModel)
Read = Callable[[httpx2.Response], T]
Query = Mapping[str, Any]
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Call(Generic[T]):
    """``path`` is below the server's address; ``read`` makes the result of an answer that succeeded."""

    method: str
    path: str
    read: Read[T]
    query: Query = field(default_factory=dict)
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def asking(self, **more: Any) -> "Call[T]":
        """The same call with more in its query."""
        return replace(self, query={**self.query, **_told(more)})

    def request(self, http: httpx2.Client | httpx2.AsyncClient) -> httpx2.Request:
        """The request as either client sends it."""
        return http.build_request(
            self.method, self.path, params=dict(self.query), content=self.content, headers=dict(self.headers)
        )


@dataclass(frozen=True)
class Download:
    """A call whose answer goes into a file, which has its name only once it is whole."""

    call: Call[None]
    path: Path


def get(read: Read[T], *path: str, **query: Any) -> Call[T]:
    return Call("GET", _path(path), read, _told(query))


def delete(read: Read[T], *path: str) -> Call[T]:
    return Call("DELETE", _path(path), read)


def put(read: Read[T], *path: str, body: BaseModel | None = None) -> Call[T]:
    if body is None:
        return Call("PUT", _path(path), read)
    return Call("PUT", _path(path), read, content=_body(body), headers=_JSON)


def patch(read: Read[T], *path: str, body: BaseModel) -> Call[T]:
    return Call("PATCH", _path(path), read, content=_body(body), headers=_JSON)


def post(
    read: Read[T], *path: str, body: BaseModel | None = None, idempotency_key: str | None = None
) -> Call[T]:
    """A POST has an Idempotency-Key of its own, so that trying it again has no second effect."""
    headers = {"Idempotency-Key": idempotency_key or uuid4().hex}
    if body is None:
        return Call("POST", _path(path), read, headers=headers)
    return Call("POST", _path(path), read, content=_body(body), headers=headers | _JSON)


def post_png(
    read: Read[T], *path: str, png: bytes, idempotency_key: str | None = None, **query: Any
) -> Call[T]:
    headers = {"Idempotency-Key": idempotency_key or uuid4().hex, "Content-Type": "image/png"}
    return Call("POST", _path(path), read, _told(query), png, headers)


def model_of(shape: type[Shape]) -> Read[Shape]:
    """Reads one value of the API. Raises ServerFailed where the answer is none."""

    def read(response: httpx2.Response) -> Shape:
        try:
            return shape.model_validate_json(response.content)
        except ValidationError as error:
            raise strange(response.status_code) from error

    return read


def page_of(item: type[Shape]) -> Read[Page[Shape]]:
    return model_of(Page[item])  # type: ignore[valid-type]


def object_of(response: httpx2.Response) -> dict[str, Any]:
    """Reads a JSON object that has no shape of its own."""
    try:
        value = response.json()
    except ValueError as error:
        raise strange(response.status_code) from error
    if not isinstance(value, dict):
        raise strange(response.status_code)
    return value


def bytes_of(response: httpx2.Response) -> bytes:
    return response.content


def nothing(_: httpx2.Response) -> None:
    """For answers that say no more than that it is done."""


def made(shape: type[Shape], given: Shape | Mapping[str, Any]) -> Shape:
    """The value of the API that ``given`` is or has the fields of. Raises Invalid."""
    if isinstance(given, shape):
        return given
    try:
        return shape.model_validate(given)
    except ValidationError as error:
        raise invalid(error, shape) from error


def _path(parts: tuple[str, ...]) -> str:
    for part in parts:
        if part in ("", ".", ".."):  # they would lead to another path
            raise Invalid(f"{part!r} is no id; give the one that the server told.")
    return "/".join(("v1", *(quote(part, safe="") for part in parts)))


def _body(body: BaseModel) -> bytes:
    """What was set, so that what was left out stays the server's choice."""
    return body.model_dump_json(exclude_unset=True).encode()


def _told(query: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.value if isinstance(value, Enum) else value
        for name, value in query.items()
        if value is not None and value != ()
    }
