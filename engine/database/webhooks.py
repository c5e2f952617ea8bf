"""Webhooks and the deliveries that events make of them."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from pydantic_core import to_json
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from engine.api.webhook import EventType, NewWebhook, Webhook, WebhookWithSecret
from engine.database.clock import now
from engine.database.jobs import enqueue
from engine.database.tables import deliveries, tenants, webhooks
from engine.errors import Conflict, UnknownRecord

SECRET_PREFIX: Final = "whsec_"
MAX_WEBHOOKS: Final = 20  # of a tenant: each makes a delivery of every event
_SECRET_BYTES: Final = 32
_FORMER_SIGNS_H: Final = 24  # what a receiver has to take a new secret up


def announce(connection: Connection, tenant_id: str, event: EventType, data: dict[str, Any]) -> None:
    """Lets every webhook of the tenant that wants ``event`` have it: in the transaction of what happened."""
    found = connection.execute(
        select(webhooks.c.id, webhooks.c.events).where(webhooks.c.tenant_id == tenant_id)
    )
    hooks = [row.id for row in found if not row.events or event in row.events]
    if hooks:
        _deliver(connection, tenant_id, hooks, event, data)


def announce_test(connection: Connection, tenant_id: str, webhook_id: str) -> str:
    """Lets one webhook have a test event, whatever it wants; returns the delivery's id. Raises UnknownRecord."""
    hook = webhook_of(connection, tenant_id, webhook_id)
    (delivery_id,) = _deliver(connection, tenant_id, [hook.id], EventType.TEST, {"webhook": hook.id})
    return delivery_id


def add_webhook(connection: Connection, tenant_id: str, wanted: NewWebhook) -> WebhookWithSecret:
    """Raises Conflict where the tenant has as many as it may. The URL was checked before."""
    # Locked, so that two requests at once cannot both take the last place.
    connection.execute(select(tenants.c.id).where(tenants.c.id == tenant_id).with_for_update())
    own = select(func.count()).select_from(webhooks).where(webhooks.c.tenant_id == tenant_id)
    if (connection.scalar(own) or 0) >= MAX_WEBHOOKS:
        raise Conflict(f"There are {MAX_WEBHOOKS} webhooks, as many as there may be; remove one.")
    secret = _new_secret()
    values = {
        "id": f"webhook-{uuid4().hex[:20]}",
        "url": wanted.url,
        "events": [event.value for event in dict.fromkeys(wanted.events)],
        "created_at": now(),
    }
    connection.execute(insert(webhooks).values(tenant_id=tenant_id, secret=secret, **values))
    return WebhookWithSecret(**values, links=_links(values["id"]), secret=secret)


def webhooks_of(connection: Connection, tenant_id: str) -> list[Webhook]:
    """All of a tenant, newest first."""
    query = select(webhooks).where(webhooks.c.tenant_id == tenant_id)
    ordered = query.order_by(webhooks.c.created_at.desc(), webhooks.c.id)
    return [_webhook(row) for row in connection.execute(ordered)]


def webhook_of(connection: Connection, tenant_id: str, webhook_id: str) -> Webhook:
    """Raises UnknownRecord."""
    own = (webhooks.c.id == webhook_id) & (webhooks.c.tenant_id == tenant_id)
    row = connection.execute(select(webhooks).where(own)).one_or_none()
    if row is None:
        raise UnknownRecord(
            f"There is no webhook {webhook_id[:80]!r}; list the webhooks to see those there are."
        )
    return _webhook(row)


def remove_webhook(connection: Connection, tenant_id: str, webhook_id: str) -> Webhook:
    """Ends the webhook with its deliveries; what waits of them ends at its next turn. Raises UnknownRecord."""
    hook = webhook_of(connection, tenant_id, webhook_id)
    connection.execute(delete(webhooks).where(webhooks.c.id == hook.id))
    return hook


def rotate_secret(connection: Connection, tenant_id: str, webhook_id: str) -> WebhookWithSecret:
    """Gives the webhook a new secret; the one it had signs along for a day. Raises UnknownRecord."""
    hook, secret = webhook_of(connection, tenant_id, webhook_id), _new_secret()
    until = (datetime.now(UTC) + timedelta(hours=_FORMER_SIGNS_H)).strftime("%Y-%m-%dT%H:%M:%SZ")
    connection.execute(
        update(webhooks)
        .where(webhooks.c.id == hook.id)
        .values(secret=secret, former_secret=webhooks.c.secret, former_until=until)
    )
    return WebhookWithSecret(**dict(hook), secret=secret)


def _deliver(
    connection: Connection, tenant_id: str, hooks: Sequence[str], event: EventType, data: dict[str, Any]
) -> list[str]:
    event_id = f"event-{uuid4().hex[:20]}"
    body = to_json({"id": event_id, "type": event.value, "created_at": now(), "data": data}).decode()
    made = {hook: f"delivery-{uuid4().hex[:20]}" for hook in hooks}
    for hook, delivery_id in made.items():
        connection.execute(
            insert(deliveries).values(
                id=delivery_id,
                tenant_id=tenant_id,
                webhook_id=hook,
                event_id=event_id,
                event=event.value,
                body=body,
                status="pending",
                begun_at=now(),
                created_at=now(),
            )
        )
        enqueue(connection, "deliver", delivery_id, tenant_id)
    return list(made.values())


def _new_secret() -> str:
    return SECRET_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(
        id=row.id, url=row.url, events=tuple(row.events), created_at=row.created_at, links=_links(row.id)
    )


def _links(webhook_id: str) -> dict[str, str]:
    own = f"/v1/webhooks/{webhook_id}"
    return {"self": own, "deliveries": f"{own}/deliveries"}
