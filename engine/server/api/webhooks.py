"""``/v1/webhooks`` and ``/v1/deliveries``: where events are sent, and what was sent."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from engine.api.model import Page
from engine.api.webhook import Delivery, NewWebhook, Webhook, WebhookWithSecret
from engine.database.deliveries import begin_anew, deliveries_of, delivery_of, told_deliveries
from engine.database.tables import deliveries
from engine.database.webhooks import (
    add_webhook,
    announce_test,
    remove_webhook,
    rotate_secret,
    webhook_of,
    webhooks_of,
)
from engine.errors import TargetRefused
from engine.server.caller import Admin, App
from engine.server.cursor import DEFAULT_PAGE, CursorQuery, LimitQuery, page
from engine.server.once import OnceOnly, told

router = APIRouter(tags=["webhooks"])
_NEWEST = (deliveries.c.created_at, deliveries.c.id)


@router.get("/webhooks", response_model=Page[Webhook])
def list_webhooks(caller: Admin, application: App) -> Response:
    """All webhooks of the tenant, without their secrets."""
    with application.records.database.reading() as connection:
        return told(Page[Webhook](data=tuple(webhooks_of(connection, caller.tenant_id))))


@router.post("/webhooks", status_code=201, response_model=WebhookWithSecret)
def create_webhook(caller: Admin, wanted: NewWebhook, once: OnceOnly, application: App) -> Response:
    """Sends the tenant's events to a URL from now on. The secret is in this answer alone."""
    # Looked up before the transaction, which must not wait for DNS, and told within it: to a repeated request the
    # answer of before goes first.
    refused: TargetRefused | None = None
    try:
        application.targets.checked(wanted.url)
    except TargetRefused as error:
        refused = error

    def effect(connection: Connection) -> WebhookWithSecret:
        if refused is not None:
            raise refused
        return add_webhook(connection, caller.tenant_id, wanted)

    return once.answer(201, effect)


@router.get("/webhooks/{webhook_id}", response_model=Webhook)
def get_webhook(caller: Admin, webhook_id: str, application: App) -> Response:
    with application.records.database.reading() as connection:
        return told(webhook_of(connection, caller.tenant_id, webhook_id))


@router.delete("/webhooks/{webhook_id}", response_model=Webhook)
def delete_webhook(caller: Admin, webhook_id: str, application: App) -> Response:
    """Removes the webhook and its log; what was on its way to it is not sent again."""
    with application.records.database.writing() as connection:
        return told(remove_webhook(connection, caller.tenant_id, webhook_id))


@router.post("/webhooks/{webhook_id}/rotate", response_model=WebhookWithSecret)
def rotate_webhook_secret(caller: Admin, webhook_id: str, once: OnceOnly) -> Response:
    """Makes a new secret, in this answer alone. For 24 h the old one signs along."""
    return once.answer(200, lambda connection: rotate_secret(connection, caller.tenant_id, webhook_id))


@router.post("/webhooks/{webhook_id}/test", status_code=202, response_model=Delivery)
def test_webhook(caller: Admin, webhook_id: str, once: OnceOnly) -> Response:
    """Sends the event `webhook.test` to this webhook alone."""

    def effect(connection: Connection) -> Delivery:
        delivery_id = announce_test(connection, caller.tenant_id, webhook_id)
        return delivery_of(connection, caller.tenant_id, delivery_id)

    return once.answer(202, effect)


@router.get("/webhooks/{webhook_id}/deliveries", response_model=Page[Delivery])
def list_deliveries(
    caller: Admin,
    webhook_id: str,
    application: App,
    status: Annotated[
        Literal["pending", "delivered", "failed"] | None, Query(description="Only those that stand so.")
    ] = None,
    limit: LimitQuery = DEFAULT_PAGE,
    cursor: CursorQuery = None,
) -> Response:
    """What was sent to the webhook and what became of it, newest first."""
    with application.records.database.reading() as connection:
        hook = webhook_of(connection, caller.tenant_id, webhook_id)
        query = deliveries_of(caller.tenant_id, hook.id, status)
        rows, rest = page(connection, query, _NEWEST, limit, cursor)
        return told(Page[Delivery](data=told_deliveries(connection, rows), next=rest))


@router.get("/deliveries/{delivery_id}", response_model=Delivery)
def get_delivery(caller: Admin, delivery_id: str, application: App) -> Response:
    with application.records.database.reading() as connection:
        return told(delivery_of(connection, caller.tenant_id, delivery_id))


@router.post("/deliveries/{delivery_id}/redeliver", status_code=202, response_model=Delivery)
def redeliver(caller: Admin, delivery_id: str, once: OnceOnly) -> Response:
    """Sends it once more, now, and tries for another day: with the same event id, so a receiver may know it."""
    return once.answer(202, lambda connection: begin_anew(connection, caller.tenant_id, delivery_id))
