"""Whom events are sent to, and what became of that."""

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from engine.database.tables.metadata import metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", String(80), nullable=False),  # what deliveries are signed with; shown once
    Column("former_secret", String(80)),  # signs along until former_until
    Column("former_until", String(32)),
    Column("events", JSON, nullable=False),  # list of event types; empty: all
    Column("created_at", String(32), nullable=False),
)
Index("ix_webhooks_tenant_id", webhooks.c.tenant_id)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("webhook_id", String(40), ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", String(40), nullable=False),
    Column("event", String(32), nullable=False),
    Column("body", Text, nullable=False),  # the JSON that is sent and signed
    Column("status", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("earlier", Integer, nullable=False, server_default="0"),  # attempts before it was begun anew
    Column("begun_at", String(32), nullable=False),  # a day later it is given up
    Column("created_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    CheckConstraint("status in ('pending', 'delivered', 'failed')", name="status"),
)
Index("ix_deliveries_tenant_id", deliveries.c.tenant_id, deliveries.c.created_at, deliveries.c.id)
Index("ix_deliveries_webhook_id", deliveries.c.webhook_id, deliveries.c.created_at, deliveries.c.id)

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    Column("delivery_id", String(40), ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1
    Column("at", String(32), nullable=False),
    Column("status", Integer),  # of the HTTP answer; None where there was none
    Column("error", Text),
    Column("took_ms", Integer, nullable=False),
)
