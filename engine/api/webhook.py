"""Webhooks and what was delivered to them, as the API tells them."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from engine.api.model import Asked, Told


class EventType(StrEnum):
    CREATION_SUCCEEDED = "creation.succeeded"
    CREATION_FAILED = "creation.failed"
    CREATION_CANCELLED = "creation.cancelled"
    MINT_CONFIRMED = "mint.confirmed"
    MINT_FAILED = "mint.failed"
    TEST = "webhook.test"


class NewWebhook(Asked):
    """``events`` left out: all."""

    url: Annotated[str, Field(min_length=1, max_length=2000, examples=["https://studio.example/lorespark"])]
    events: tuple[EventType, ...] = ()


class Webhook(Told):
    id: str
    url: str
    events: tuple[EventType, ...]
    created_at: str
    links: dict[str, str]


class WebhookWithSecret(Webhook):
    """``secret`` signs the deliveries and is shown this once."""

    secret: str = Field(repr=False)


class Attempt(Told):
    number: int
    at: str
    status: int | None
    error: str | None
    took_ms: int


class Delivery(Told):
    """One event on its way to one webhook. ``next_at`` is when it is tried again."""

    id: str
    webhook: str
    event_id: str
    event: EventType
    status: str  # pending, delivered or failed
    attempts: tuple[Attempt, ...]
    next_at: str | None
    created_at: str
    body: dict[str, Any]
