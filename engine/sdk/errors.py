"""What a call to a server can end in; each has one sentence that says what to do, and none holds the API key."""

from email.utils import parsedate_to_datetime
from pathlib import Path
from time import time

import httpx2
from pydantic import BaseModel, ValidationError

from engine.api.asset import Mint
from engine.api.creation import Creation
from engine.api.problem import FieldProblem, Problem
from engine.errors import EngineError


class LoresparkError(EngineError):
    """Base of all. ``status`` and ``type`` are None where no server answered; clients compare ``type``.

    ``errors`` names each field that is wrong, by a pointer into the request.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        type: str | None = None,
        errors: tuple[FieldProblem, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail, self.status, self.type = detail, status, type
        self.errors, self.retry_after_s = errors, retry_after_s


class Invalid(LoresparkError):
    """The request cannot be fulfilled as it is: 422, or any other 4xx that has no class of its own."""


class Unauthorised(LoresparkError):
    """The API key is missing, not known, or revoked: 401."""


class Forbidden(LoresparkError):
    """The API key may not do this: 403."""


class NotFound(LoresparkError):
    """There is no such thing, or it is another's: 404."""


class Conflict(LoresparkError):
    """The state that a thing is in allows no such change: 409."""


class RateLimited(LoresparkError):
    """A rate, a quota or a queue is full: 429. ``retry_after_s`` says when to ask again, where the server does."""


class ServerFailed(LoresparkError):
    """The server failed (5xx), or answered with what is no answer of Lorespark's."""


class Unreachable(LoresparkError):
    """No server answered: wrong address, no network, or it took too long."""


class WaitTimedOut(LoresparkError):
    """What was waited for has not ended in the time given; it goes on, and can be waited for again."""


class CreationFailed(LoresparkError):
    """A creation ended without its assets; ``creation`` has its status and reason."""

    def __init__(self, creation: Creation) -> None:
        reason = creation.error or "it was stopped"
        super().__init__(f"The creation {creation.id} {creation.status.value}: {_bare(reason)}.")
        self.creation = creation


class MintFailed(LoresparkError):
    """A mint failed; ``mint`` has the reason."""

    def __init__(self, mint: Mint) -> None:
        super().__init__(f"The mint {mint.id} failed: {_bare(mint.error)}.")
        self.mint = mint


_CLASSES: dict[int, type[LoresparkError]] = {
    401: Unauthorised,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}


def failure_of(response: httpx2.Response) -> LoresparkError:
    """The error that an answer outside 2xx is; its body has been read."""
    status = response.status_code
    kind = _CLASSES.get(status, Invalid if 400 <= status < 500 else ServerFailed)
    retry_after_s = _retry_after_s(response.headers.get("Retry-After"))
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        detail = f"The server answered {status} and not why; check its address, and what stands before it."
        return kind(detail, status=status, retry_after_s=retry_after_s)
    return kind(
        problem.detail,
        status=status,
        type=problem.type,
        errors=problem.errors or (),
        retry_after_s=retry_after_s,
    )


def of_network(error: httpx2.HTTPError, address: str) -> LoresparkError:
    """The foreign error as ours. Its own text is left out: it may repeat what a request held."""
    if isinstance(error, httpx2.SSEError):
        return strange(200)
    if isinstance(error, httpx2.TimeoutException):
        return Unreachable(f"The server at {address} did not answer in time; try again, or give it longer.")
    return Unreachable(
        f"The server at {address} cannot be reached ({type(error).__name__}); see that it runs there."
    )


def strange(status: int) -> ServerFailed:
    """That something else than Lorespark's API answered."""
    return ServerFailed(
        "The server's answer is none of Lorespark's; check the address, and that it is no older than this program.",
        status=status,
    )


def unwritable(path: Path, error: OSError) -> LoresparkError:
    """That a file on this machine cannot take an answer."""
    reason = (error.strerror or type(error).__name__).lower()
    return LoresparkError(f"The file {path} cannot be written ({reason}); name another place.")


def invalid(error: ValidationError, of: type[BaseModel]) -> Invalid:
    """Fields that the models refuse before anything is sent, as the server would name them."""
    fields = tuple(
        FieldProblem(
            pointer="#" + "".join(f"/{part}" for part in found["loc"]), in_="body", detail=found["msg"]
        )
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    )
    first = f"{fields[0].pointer}: {fields[0].detail}"
    return Invalid(f"The {of.__name__} cannot be sent ({first}); correct it.", errors=fields)


def _retry_after_s(text: str | None) -> float | None:
    """Seconds, of a number or a date. Source: RFC 9110, section 10.2.3."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, OverflowError):
        return None


def _bare(reason: str | None) -> str:
    return (reason or "no reason was given").rstrip(".")
