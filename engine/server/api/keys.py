"""``/v1/keys``: a tenant's API keys."""

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import Connection

from engine.api.account import Key, KeyWithSecret, Limits, NewKey, Scope
from engine.api.model import Page
from engine.database.tenants import add_key, key_of, keys_of, revoke_key, rotate_key
from engine.errors import ScopeMissing
from engine.server.caller import Admin, App, Caller, Reader
from engine.server.once import OnceOnly, told

router = APIRouter(tags=["keys"])


@router.get("/keys", response_model=Page[Key])
def list_keys(caller: Admin, application: App) -> Response:
    """All keys of the tenant, revoked ones included, without their secrets."""
    with application.records.database.reading() as connection:
        return told(Page[Key](data=tuple(keys_of(connection, caller.tenant_id))))


@router.post("/keys", status_code=201, response_model=KeyWithSecret)
def create_key(caller: Admin, wanted: NewKey, once: OnceOnly) -> Response:
    """Makes a key with no scope and no limit beyond those of the key that asks. Its secret is in this answer alone.

    Limits that are left out are the usual ones, or the asking key's own where those are lower.
    """
    limits = _limits(caller, wanted.limits)
    _check(caller, wanted.scopes, limits)
    wanted = wanted.model_copy(update={"limits": limits})
    return once.answer(201, lambda connection: add_key(connection, caller.tenant_id, wanted), sealed=True)


@router.get("/keys/{key_id}", response_model=Key)
def read_key(caller: Admin, key_id: str, application: App) -> Response:
    """One key, without its secret."""
    with application.records.database.reading() as connection:
        return told(key_of(connection, caller.tenant_id, key_id))


@router.post("/keys/{key_id}/rotate", response_model=KeyWithSecret)
def rotate(caller: Admin, key_id: str, once: OnceOnly) -> Response:
    """Gives the key a new secret, which is in this answer alone; the old one ends at once.

    A key that rotates itself cannot ask again with its old secret when the answer is lost; rotate with another.
    """

    def effect(connection: Connection) -> KeyWithSecret:
        # Else a key that may only manage keys would get the secret of one that may do more.
        key = key_of(connection, caller.tenant_id, key_id)
        _check(caller, key.scopes, key.limits)
        return rotate_key(connection, caller.tenant_id, key_id)

    return once.answer(200, effect, sealed=True)


@router.delete("/keys/{key_id}", response_model=Key)
def revoke(caller: Reader, key_id: str, application: App) -> Response:
    """Ends the key's life at once. Needs the scope `admin`, unless a key ends its own.

    The last living key with the scope `admin` stays.
    """
    if key_id != caller.key_id:
        caller.require(Scope.ADMIN)
    with application.records.database.writing() as connection:
        return told(revoke_key(connection, caller.tenant_id, key_id))


def _limits(caller: Caller, wanted: Limits) -> Limits:
    own, given = caller.limits.model_dump(), wanted.model_fields_set
    usual = {
        name: value if name in given else min(value, own[name]) for name, value in wanted.model_dump().items()
    }
    return Limits(**usual)


def _check(caller: Caller, scopes: tuple[Scope, ...], limits: Limits) -> None:
    """Raises ScopeMissing where a key with these would be able to do more than the caller."""
    if beyond := sorted(set(scopes) - caller.scopes - {Scope.READ}):
        raise ScopeMissing(
            f"The API key lacks the scope `{beyond[0].value}` and so cannot give it to another; use a key that has it."
        )
    own = caller.limits.model_dump()
    for name, value in limits.model_dump().items():
        if value > own[name]:
            raise ScopeMissing(
                f"The API key's own limit `{name}` is {own[name]:,d}, and it cannot give {value:,d} to another; "
                "ask for less, or use a key with a higher limit."
            )
