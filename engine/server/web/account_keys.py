"""``/account/keys``: API keys made, given a new secret, and ended; the browser's own is told apart."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy import Connection

from engine.api.account import MAX_CONCURRENT, MAX_PER_DAY, MAX_PER_MINUTE, KeyWithSecret, NewKey, Scope
from engine.database.browsers import known_form_key
from engine.database.tenants import keys_of
from engine.errors import Conflict, InvalidField
from engine.server.caller import Admin, App, Caller
from engine.server.key_desk import KeyDesk
from engine.server.web.page import PageRoute, message, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)
# What each scope lets a key do, in the words of the form.
_SCOPES: Final = {
    Scope.CREATE: ("Create", "ask for assets, upload, tag and collect"),
    Scope.MINT: ("Mint", "bring assets onto the chain, give vouchers"),
    Scope.READ: ("Read", "see everything of the studio"),
    Scope.ADMIN: ("Admin", "manage keys and webhooks"),
}
_MOST: Final = {"per_minute": MAX_PER_MINUTE, "per_day": MAX_PER_DAY, "concurrent": MAX_CONCURRENT}
_OWN: Final = "This browser acts for that key; sign in with another one to change it."
Number = Annotated[str, Form(max_length=12)]


@router.get("/account/keys")
def keys_page(request: Request, caller: Admin, application: App) -> Response:
    with application.records.database.reading() as connection:
        return render(request, "account_keys.html", made=None, **_listed(connection, caller))


@router.post("/account/keys")
def make_key(
    request: Request,
    caller: Admin,
    application: App,
    name: Annotated[str, Form(max_length=200)],
    scopes: Annotated[list[Scope] | None, Form()] = None,
    per_minute: Number = "",
    per_day: Number = "",
    concurrent: Number = "",
) -> Response:
    given = {"per_minute": per_minute, "per_day": per_day, "concurrent": concurrent}
    limits = {field: _number(field, text) for field, text in given.items() if text.strip()}
    if not scopes:
        raise InvalidField("Choose what the key may do: at least one of the boxes.", "/scopes")
    try:
        wanted = NewKey.model_validate({"name": name.strip(), "scopes": scopes, "limits": limits})
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][-1])
        told = _beyond(field) if field in _MOST else "Give the key a name, by which you will know it again."
        raise InvalidField(told, f"/{field}") from error
    desk = KeyDesk(caller)
    granted = desk.granted(wanted)
    with application.records.database.writing() as connection:
        made = desk.make(connection, granted)
        return _told(request, connection, caller, made, "Your new key")


@router.post("/account/keys/{key_id}/rotate")
def rotate(request: Request, caller: Admin, application: App, key_id: str) -> Response:
    with application.records.database.writing() as connection:
        _check_not_own(connection, caller, key_id)
        made = KeyDesk(caller).rotate(connection, key_id)
        return _told(request, connection, caller, made, f"The new secret of {made.name}")


@router.post("/account/keys/{key_id}/revoke")
def revoke(request: Request, caller: Admin, application: App, key_id: str) -> Response:
    with application.records.database.writing() as connection:
        _check_not_own(connection, caller, key_id)
        key = KeyDesk(caller).revoke(connection, key_id)
        said = message(f"The key {key.name} is revoked; nothing can use it any more.")
        return render(request, "parts/keys.html", triggers=said, **_listed(connection, caller))


def _told(
    request: Request, connection: Connection, caller: Caller, made: KeyWithSecret, heading: str
) -> Response:
    listed = _listed(connection, caller)
    return render(request, "parts/made_key.html", made=made, heading=heading, **listed)


def _listed(connection: Connection, caller: Caller) -> dict[str, Any]:
    keys = keys_of(connection, caller.tenant_id)
    return {
        "living": [key for key in keys if key.revoked_at is None],
        "revoked": [key for key in keys if key.revoked_at is not None],
        "own": caller.key_id,
        "form_key": known_form_key(connection),
        "scopes": {scope: told for scope, told in _SCOPES.items() if scope in caller.scopes | {Scope.READ}},
        "limits": caller.limits,
    }


def _check_not_own(connection: Connection, caller: Caller, key_id: str) -> None:
    """Else a click would sign out every browser that acts for the key, and nobody knows the secret of the form's."""
    if key_id in (caller.key_id, known_form_key(connection)):
        raise Conflict(_OWN)


def _number(field: str, text: str) -> int:
    if not (text.strip().isascii() and text.strip().isdecimal()):
        raise InvalidField(_beyond(field), f"/{field}")
    return int(text)


def _beyond(field: str) -> str:
    least = 0 if field == "per_day" else 1
    return f"A limit is a whole number from {least} to {_MOST[field]:,d}; leave it empty for the usual one."
