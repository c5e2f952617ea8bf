"""``/account/webhooks``: where events are sent, tried out, and what was sent and why it failed."""

import time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy import Connection

from engine.api.webhook import EventType, NewWebhook
from engine.database.deliveries import begin_anew, deliveries_of, told_deliveries
from engine.database.tables import deliveries
from engine.database.webhooks import (
    MAX_WEBHOOKS,
    add_webhook,
    announce_test,
    remove_webhook,
    rotate_secret,
    webhook_of,
    webhooks_of,
)
from engine.errors import InvalidField, TargetRefused
from engine.server.caller import Admin, App, Caller
from engine.server.cursor import CursorQuery, page
from engine.server.web.page import PageRoute, elsewhere, message, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_NEWEST: Final = (deliveries.c.created_at, deliveries.c.id)
_ROWS: Final = 20
_EVERY_S: Final = 2  # how often the log asks how a delivery went, while one is on its way
_REFRESHES_FOR_S: Final = 300
EVENTS: Final = {
    EventType.CREATION_SUCCEEDED: "A creation succeeded",
    EventType.CREATION_FAILED: "A creation failed",
    EventType.CREATION_CANCELLED: "A creation was cancelled",
    EventType.MINT_CONFIRMED: "A mint is confirmed",
    EventType.MINT_FAILED: "A mint failed",
}


@router.get("/account/webhooks")
def webhooks_page(request: Request, caller: Admin, application: App) -> Response:
    with application.records.database.reading() as connection:
        return render(request, "account_webhooks.html", made=None, **_listed(connection, caller))


@router.post("/account/webhooks")
def make_webhook(
    request: Request,
    caller: Admin,
    application: App,
    url: Annotated[str, Form(max_length=2000)],
    events: Annotated[list[EventType] | None, Form()] = None,
) -> Response:
    try:
        wanted = NewWebhook(url=url.strip(), events=tuple(events or ()))
    except ValidationError as error:
        raise InvalidField(
            "Give the address that the events go to, as in https://studio.example/.", "/url"
        ) from error
    try:
        application.targets.checked(wanted.url)
    except TargetRefused as error:
        raise InvalidField(str(error), "/url") from error
    with application.records.database.writing() as connection:
        made = add_webhook(connection, caller.tenant_id, wanted)
        return render(request, "parts/made_webhook.html", made=made, **_listed(connection, caller))


@router.get("/account/webhooks/{webhook_id}")
def webhook_page(
    request: Request, caller: Admin, application: App, webhook_id: str, cursor: CursorQuery = None
) -> Response:
    with application.records.database.reading() as connection:
        found = _log(connection, caller, webhook_id, cursor, _until())
        return render(request, "account_webhook.html", made=None, **found)


@router.get("/account/webhooks/{webhook_id}/log")
def webhook_log(
    request: Request,
    caller: Admin,
    application: App,
    webhook_id: str,
    cursor: CursorQuery = None,
    until: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> Response:
    """What was sent lately, alone. After ``until`` (Unix time) it asks no more by itself."""
    with application.records.database.reading() as connection:
        return render(request, "parts/deliveries.html", **_log(connection, caller, webhook_id, cursor, until))


@router.post("/account/webhooks/{webhook_id}/test")
def try_webhook(request: Request, caller: Admin, application: App, webhook_id: str) -> Response:
    with application.records.database.writing() as connection:
        announce_test(connection, caller.tenant_id, webhook_id)
    return _sent(request, caller, application, webhook_id, "A test event is on its way.")


@router.post("/account/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver")
def redeliver(
    request: Request, caller: Admin, application: App, webhook_id: str, delivery_id: str
) -> Response:
    with application.records.database.writing() as connection:
        begin_anew(connection, caller.tenant_id, delivery_id)
    return _sent(request, caller, application, webhook_id, "The event is sent again.")


@router.post("/account/webhooks/{webhook_id}/rotate")
def rotate(request: Request, caller: Admin, application: App, webhook_id: str) -> Response:
    with application.records.database.writing() as connection:
        made = rotate_secret(connection, caller.tenant_id, webhook_id)
    return render(request, "parts/webhook_secret.html", made=made, heading="The webhook's new secret")


@router.post("/account/webhooks/{webhook_id}/remove")
def remove(request: Request, caller: Admin, application: App, webhook_id: str) -> Response:
    with application.records.database.writing() as connection:
        remove_webhook(connection, caller.tenant_id, webhook_id)
    return elsewhere(request, "/account/webhooks")


def _sent(request: Request, caller: Caller, application: App, webhook_id: str, said: str) -> Response:
    with application.records.database.reading() as connection:
        found = _log(connection, caller, webhook_id, None, _until())
    return render(request, "parts/deliveries.html", triggers=message(said), **found)


def _until() -> int:
    return int(time.time()) + _REFRESHES_FOR_S


def _listed(connection: Connection, caller: Caller) -> dict[str, Any]:
    hooks = webhooks_of(connection, caller.tenant_id)
    newest = {}
    for hook in hooks:
        query = deliveries_of(caller.tenant_id, hook.id)
        rows, _ = page(connection, query, _NEWEST, 1, None)
        newest[hook.id] = next(iter(told_deliveries(connection, rows)), None)
    return {"hooks": hooks, "newest": newest, "events": EVENTS, "most": MAX_WEBHOOKS}


def _log(
    connection: Connection, caller: Caller, webhook_id: str, cursor: str | None, until: int
) -> dict[str, Any]:
    hook = webhook_of(connection, caller.tenant_id, webhook_id)
    rows, following = page(connection, deliveries_of(caller.tenant_id, hook.id), _NEWEST, _ROWS, cursor)
    log = told_deliveries(connection, rows)
    on_its_way = any(each.status == "pending" for each in log)
    here = f"/account/webhooks/{hook.id}"
    return {
        "hook": hook,
        "log": log,
        "events": EVENTS,
        "older": None if following is None else f"{here}?cursor={following}",
        "newest": None if cursor is None else here,
        "again": f"{here}/log?until={until}" + (f"&cursor={cursor}" if cursor else ""),
        "refreshes": on_its_way and time.time() < until,
        "every_s": _EVERY_S,
    }
