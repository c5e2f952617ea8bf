"""Webhooks and the deliveries that events make of them."""

from typing import Any
from uuid import uuid4

from pydantic_core import to_json
from sqlalchemy import Connection, insert, select

from engine.api.webhook import EventType
from engine.database.clock import now
from engine.database.jobs import enqueue
from engine.database.tables import deliveries, webhooks


def announce(connection: Connection, tenant_id: str, event: EventType, data: dict[str, Any]) -> None:
    """Lets every webhook of the tenant that wants ``event`` have it: in the transaction of what happened."""
    hooks = [
        row
        for row in connection.execute(
            select(webhooks.c.id, webhooks.c.events).where(webhooks.c.tenant_id == tenant_id)
        )
        if not row.events or event in row.events
    ]
    if not hooks:
        return
    event_id = f"event-{uuid4().hex[:20]}"
    body = to_json({"id": event_id, "type": event.value, "created_at": now(), "data": data}).decode()
    for hook in hooks:
        delivery_id = f"delivery-{uuid4().hex[:20]}"
        connection.execute(
            insert(deliveries).values(
                id=delivery_id,
                tenant_id=tenant_id,
                webhook_id=hook.id,
                event_id=event_id,
                event=event.value,
                body=body,
                status="pending",
                created_at=now(),
            )
        )
        enqueue(connection, "deliver", delivery_id, tenant_id)
