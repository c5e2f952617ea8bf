"""Who asks about a promise of an asset: a studio by its API key, or a signed-in player about what they hold."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import SecurityScopes
from fastapi.security.http import HTTPAuthorizationCredentials

from engine.api.account import Scope
from engine.database.players import Player
from engine.database.vouchers import Asking
from engine.server.caller import Caller, application_of, authenticated, bearer
from engine.server.once import IdempotencyKey, Once, once_of
from engine.server.player import cookie, has_cookie, signed_in


@dataclass(frozen=True)
class Claimant:
    """One of the two."""

    caller: Caller | None = None
    player: Player | None = None

    @property
    def asking(self) -> Asking:
        if self.caller is not None:
            return Asking(tenant_id=self.caller.tenant_id, key_id=self.caller.key_id)
        assert self.player is not None, "a claimant is one or the other"
        return Asking(player_id=self.player.id, address=self.player.address)


async def _claimant(
    required: SecurityScopes,
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    _: Annotated[str | None, Depends(cookie)],
) -> Claimant:
    if "Authorization" in request.headers or not has_cookie(request):
        caller = await authenticated(request, credentials)
        for scope in required.scopes:
            caller.require(Scope(scope))
        return Claimant(caller=caller)
    session = await run_in_threadpool(signed_in, application_of(request), request)
    return Claimant(player=session.player)


async def _once(
    request: Request,
    claimant: Annotated[Claimant, Security(_claimant, scopes=[Scope.MINT.value])],
    idempotency_key: IdempotencyKey = None,
) -> Once | None:
    # Keys belong to a tenant, and a player is of none; what they claim twice is promised once anyway.
    return None if claimant.caller is None else await once_of(request, claimant.caller, idempotency_key)


# What an endpoint asks for in its signature; a studio's key needs the scope `mint` to claim and to cancel.
Reading = Annotated[Claimant, Security(_claimant)]
Claiming = Annotated[Claimant, Security(_claimant, scopes=[Scope.MINT.value])]
StudiosOnce = Annotated[Once | None, Depends(_once)]
