"""``/v1/keys``: a tenant's API keys."""

from fastapi import APIRouter
from fastapi.responses import Response

from engine.api.account import Key, KeyWithSecret, NewKey
from engine.api.model import Page
from engine.database.tenants import key_of, keys_of
from engine.server.caller import Admin, App, Reader
from engine.server.key_desk import KeyDesk
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
    desk = KeyDesk(caller)
    wanted = desk.granted(wanted)
    return once.answer(201, lambda connection: desk.make(connection, wanted), sealed=True)


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

    return once.answer(200, lambda connection: KeyDesk(caller).rotate(connection, key_id), sealed=True)


@router.delete("/keys/{key_id}", response_model=Key)
def revoke(caller: Reader, key_id: str, application: App) -> Response:
    """Ends the key's life at once. Needs the scope `admin`, unless a key ends its own.

    The last living key with the scope `admin` stays.
    """
    with application.records.database.writing() as connection:
        return told(KeyDesk(caller).revoke(connection, key_id))
