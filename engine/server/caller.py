"""Who asks: the API key of a request, and what it may be used for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from engine.api.account import Limits, Scope
from engine.app import Application
from engine.database.tenants import KEY_PREFIX, known_key
from engine.errors import KeyRefused, ScopeMissing

_MAX_KEY_CHARACTERS: Final = 200
# Without auto_error the missing key becomes a problem like any other.
_bearer = HTTPBearer(auto_error=False, description="An API key, `lsk_…`.")


@dataclass(frozen=True)
class Caller:
    """``secret`` is the key itself, for sealing what only its holder may read again; it is in no repr."""

    tenant_id: str
    key_id: str
    scopes: frozenset[Scope]
    limits: Limits
    secret: "Secret"


class Secret(str):
    """A text that shows in no log."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)"


def application_of(request: Request) -> Application:
    """The one that this server serves."""
    application: Application = request.app.state.application
    return application


def _requires(scope: Scope) -> Callable[..., Caller]:
    def caller(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Caller:
        if credentials is None:
            raise KeyRefused("The request has no API key; send the header `Authorization: Bearer lsk_…`.")
        secret = credentials.credentials
        key = None
        if secret.startswith(KEY_PREFIX) and len(secret) <= _MAX_KEY_CHARACTERS:
            with application_of(request).records.database.reading() as connection:
                key = known_key(connection, secret)
        if key is None:
            raise KeyRefused("The API key is not known or was revoked; use another, or ask for a new one.")
        if scope is not Scope.READ and scope not in key.scopes:
            raise ScopeMissing(f"The API key lacks the scope `{scope.value}`; use a key that has it.")
        return Caller(key.tenant_id, key.id, key.scopes, key.limits, Secret(secret))

    return caller


# What an endpoint asks for in its signature.
Reader = Annotated[Caller, Depends(_requires(Scope.READ))]
Creator = Annotated[Caller, Depends(_requires(Scope.CREATE))]
Minter = Annotated[Caller, Depends(_requires(Scope.MINT))]
Admin = Annotated[Caller, Depends(_requires(Scope.ADMIN))]
App = Annotated[Application, Depends(application_of)]
