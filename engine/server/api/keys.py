"""``/v1/keys``: a tenant's API keys."""

from fastapi import APIRouter
from fastapi.responses import Response

from engine.api.account import Key, KeyWithSecret, NewKey
from engine.api.model import Page
from engine.database.tenants import add_key, keys_of, revoke_key
from engine.server.caller import Admin, App
from engine.server.once import OnceOnly, told

router = APIRouter(tags=["keys"])


@router.get("/keys", response_model=Page[Key])
def list_keys(caller: Admin, application: App) -> Response:
    """All keys of the tenant, revoked ones included, without their secrets."""
    with application.records.database.reading() as connection:
        return told(Page[Key](data=tuple(keys_of(connection, caller.tenant_id))))


@router.post("/keys", status_code=201, response_model=KeyWithSecret)
def create_key(caller: Admin, wanted: NewKey, once: OnceOnly) -> Response:
    """Makes a key. Its secret is in this answer alone."""
    return once.answer(201, lambda connection: add_key(connection, caller.tenant_id, wanted))


@router.delete("/keys/{key_id}", response_model=Key)
def revoke(caller: Admin, key_id: str, application: App) -> Response:
    """Ends the key's life at once."""
    with application.records.database.writing() as connection:
        return told(revoke_key(connection, caller.tenant_id, key_id))
