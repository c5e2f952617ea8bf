"""Who asks: the API key of a request, or of the browser that it comes from, and what it may be used for."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer, SecurityScopes
from fastapi.security.http import HTTPAuthorizationCredentials

from engine.api.account import Limits, Scope
from engine.app import Application
from engine.database.tenants import KEY_PREFIX, KnownKey, known_key
from engine.errors import KeyRefused, RateExceeded, ScopeMissing
from engine.server.browser import browser_key, browser_secret
from engine.server.rate import RateLimits

_MAX_KEY_CHARACTERS: Final = 200
# Without auto_error the missing key becomes a problem like any other.
bearer = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="An API key, `lsk_…`. Where an operation names a scope, the key must have it.",
)


@dataclass(frozen=True)
class Caller:
    """``secret`` is the key itself, for sealing what only its holder may read again; it is in no repr."""

    tenant_id: str
    key_id: str
    scopes: frozenset[Scope]
    limits: Limits
    secret: "Secret"

    def require(self, scope: Scope) -> None:
        """Raises ScopeMissing where the key lacks ``scope``; every key may read."""
        if scope is not Scope.READ and scope not in self.scopes:
            raise ScopeMissing(f"The API key lacks the scope `{scope.value}`; use a key that has it.")


class Secret(str):
    """A text that shows in no log."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)"


def application_of(request: Request) -> Application:
    """The one that this server serves."""
    application: Application = request.app.state.application
    return application


async def _application(request: Request) -> Application:
    # A coroutine, because FastAPI asks a plain function on another thread, which costs more than the answer.
    return application_of(request)


async def authenticated(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    # Once and the endpoint both ask; the key is looked up and the request counted once.
    found: Caller | None = getattr(request.state, "caller", None)
    if found is None:
        found = await run_in_threadpool(_counted, request, credentials)
        request.state.caller = found
    return found


def _counted(request: Request, credentials: HTTPAuthorizationCredentials | None) -> Caller:
    rates: RateLimits = request.app.state.rates
    secret = credentials.credentials if credentials is not None else None
    if secret is not None or "Authorization" in request.headers:
        key = None if secret is None else _known(request, secret)
    elif (secret := browser_secret(request)) is not None:  # a page of the web form asks
        key = browser_key(application_of(request), request, secret)
    else:
        key = None
    if secret is None or key is None:
        standing = rates.count_refused(request.client.host if request.client is not None else None)
        if not standing.allowed:
            raise RateExceeded(
                f"Too many requests without a valid API key come from this address; wait {standing.reset_s} s.",
                standing.reset_s,
            )
        raise KeyRefused(
            "The request has no API key; send the header `Authorization: Bearer lsk_…`."
            if secret is None
            else "The API key is not known or was revoked; use another, or ask for a new one."
        )
    standing = request.state.standing = rates.count(key.id, key.limits.per_minute)
    if not standing.allowed:
        raise RateExceeded(
            f"The API key may make {standing.limit:,d} requests a minute; wait {standing.reset_s} s.",
            standing.reset_s,
        )
    return Caller(key.tenant_id, key.id, key.scopes, key.limits, Secret(secret))


def _known(request: Request, secret: str) -> KnownKey | None:
    if not secret.startswith(KEY_PREFIX) or len(secret) > _MAX_KEY_CHARACTERS:
        return None
    with application_of(request).records.database.reading() as connection:
        return known_key(connection, secret)


async def _allowed(required: SecurityScopes, caller: Annotated[Caller, Depends(authenticated)]) -> Caller:
    for scope in required.scopes:
        caller.require(Scope(scope))
    return caller


# What an endpoint asks for in its signature. Security puts the scope into the OpenAPI document.
Reader = Annotated[Caller, Security(_allowed)]
Creator = Annotated[Caller, Security(_allowed, scopes=[Scope.CREATE.value])]
Minter = Annotated[Caller, Security(_allowed, scopes=[Scope.MINT.value])]
Admin = Annotated[Caller, Security(_allowed, scopes=[Scope.ADMIN.value])]
App = Annotated[Application, Depends(_application)]
