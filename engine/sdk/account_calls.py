"""Calls about the account: keys, usage, models and webhooks."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import httpx2

from engine.api.account import (
    DayOfUse,
    Key,
    KeyWithSecret,
    Limits,
    Me,
    Model,
    Models,
    NewKey,
    Scope,
    Usage,
)
from engine.api.model import Page
from engine.api.webhook import Delivery, EventType, NewWebhook, Webhook, WebhookWithSecret
from engine.sdk.call import Call, delete, get, made, model_of, nothing, page_of, post


def me() -> Call[Me]:
    """The key that asks: its scopes, its limits, and what is left of them."""
    return get(model_of(Me), "me")


def models() -> Call[tuple[Model, ...]]:
    """What the server draws with."""
    return get(lambda response: model_of(Models)(response).data, "models")


def usage(*, since: date | str | None = None, until: date | str | None = None) -> Call[tuple[DayOfUse, ...]]:
    """What each key used on each day (UTC) from ``since`` to ``until``, both included."""
    return get(_days, "usage", **{"from": _day(since), "to": _day(until)})


def create_key(
    name: str | NewKey,
    *,
    scopes: Sequence[Scope | str] | None = None,
    limits: Limits | Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> Call[KeyWithSecret]:
    """Makes an API key. Its secret is in this answer alone."""
    given = {"scopes": None if scopes is None else tuple(scopes), "limits": limits}
    fields = {field: value for field, value in given.items() if value is not None}
    body = name if isinstance(name, NewKey) else made(NewKey, {"name": name, **fields})
    return post(model_of(KeyWithSecret), "keys", body=body, idempotency_key=idempotency_key)


def list_keys(*, page_size: int | None = None) -> Call[Page[Key]]:
    """All keys, revoked ones included, without their secrets."""
    return get(page_of(Key), "keys", limit=page_size)


def get_key(key_id: str) -> Call[Key]:
    """Raises NotFound."""
    return get(model_of(Key), "keys", key_id)


def revoke_key(key_id: str) -> Call[Key]:
    """Ends the key's life at once."""
    return delete(model_of(Key), "keys", key_id)


def rotate_key(key_id: str, *, idempotency_key: str | None = None) -> Call[KeyWithSecret]:
    """Gives the key another secret; the one before is refused from now on."""
    return post(model_of(KeyWithSecret), "keys", key_id, "rotate", idempotency_key=idempotency_key)


def create_webhook(
    url: str | NewWebhook, *, events: Sequence[EventType | str] = (), idempotency_key: str | None = None
) -> Call[WebhookWithSecret]:
    """Has events (all if left out) sent to ``url``. The secret that signs them is in this answer alone."""
    fields = {"url": url, **({"events": tuple(events)} if events else {})}
    body = url if isinstance(url, NewWebhook) else made(NewWebhook, fields)
    return post(model_of(WebhookWithSecret), "webhooks", body=body, idempotency_key=idempotency_key)


def list_webhooks(*, page_size: int | None = None) -> Call[Page[Webhook]]:
    """The webhooks, newest first."""
    return get(page_of(Webhook), "webhooks", limit=page_size)


def get_webhook(webhook_id: str) -> Call[Webhook]:
    """Raises NotFound."""
    return get(model_of(Webhook), "webhooks", webhook_id)


def delete_webhook(webhook_id: str) -> Call[None]:
    """Sends nothing more to it."""
    return delete(nothing, "webhooks", webhook_id)


def rotate_webhook(webhook_id: str, *, idempotency_key: str | None = None) -> Call[WebhookWithSecret]:
    """Gives the webhook another secret."""
    return post(
        model_of(WebhookWithSecret), "webhooks", webhook_id, "rotate", idempotency_key=idempotency_key
    )


def try_webhook(webhook_id: str, *, idempotency_key: str | None = None) -> Call[Delivery]:
    """Sends it, and no other, an event of the type ``webhook.test``."""
    return post(model_of(Delivery), "webhooks", webhook_id, "test", idempotency_key=idempotency_key)


def list_deliveries(
    webhook_id: str, *, status: str | None = None, page_size: int | None = None
) -> Call[Page[Delivery]]:
    """What was sent to a webhook or still is to be, newest first."""
    return get(page_of(Delivery), "webhooks", webhook_id, "deliveries", status=status, limit=page_size)


def get_delivery(delivery_id: str) -> Call[Delivery]:
    """Raises NotFound."""
    return get(model_of(Delivery), "deliveries", delivery_id)


def redeliver(delivery_id: str, *, idempotency_key: str | None = None) -> Call[Delivery]:
    """Sends the same event again."""
    return post(model_of(Delivery), "deliveries", delivery_id, "redeliver", idempotency_key=idempotency_key)


def _days(response: httpx2.Response) -> tuple[DayOfUse, ...]:
    return model_of(Usage)(response).data


def _day(day: date | str | None) -> str | None:
    return day.isoformat() if isinstance(day, date) else day
