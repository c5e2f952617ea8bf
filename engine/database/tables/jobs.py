"""What waits, who works on it, and where assets are pinned."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from engine.database.tables.metadata import metadata

# What waits for a worker or is in one's hands. A row goes when its work has ended; what became of it says its record.
jobs = Table(
    "jobs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),  # the order of arrival
    Column("queue", String(16), nullable=False),  # as engine.database.jobs.QUEUES
    Column("record_id", String(80), nullable=False),  # of what it is about
    Column("tenant_id", String(40), nullable=False),
    Column("model", String(200), nullable=False, server_default=""),  # who takes it must have it; "" anybody
    Column("priority", Integer, nullable=False, server_default="0"),  # within its tenant; higher goes first
    Column("state", String(12), nullable=False),
    Column("worker_id", String(40)),  # in whose hands it is
    Column("run", Integer, nullable=False, server_default="0"),  # how often it was begun anew
    Column("deaths", Integer, nullable=False, server_default="0"),  # workers that ended while they had it
    Column("run_after_ms", BigInteger, nullable=False),  # Unix time
    Column("created_at", String(32), nullable=False),
    UniqueConstraint("queue", "record_id"),
    CheckConstraint("state in ('queued', 'running', 'set_aside')", name="state"),
    sqlite_autoincrement=True,
)
Index("ix_jobs_waiting", jobs.c.queue, jobs.c.state, jobs.c.tenant_id, jobs.c.priority.desc(), jobs.c.number)
Index("ix_jobs_due", jobs.c.queue, jobs.c.state, jobs.c.run_after_ms)
Index("ix_jobs_worker_id", jobs.c.worker_id)

# Where each asset is kept on IPFS besides here: one row for each service that the settings list.
pins = Table(
    "pins",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("asset_id", String(40), ForeignKey("assets.id", ondelete="CASCADE"), nullable=False),
    Column("service", String(64), nullable=False),  # its name in the settings
    Column("metadata_cid", String(80), nullable=False),  # the asset's, as it is pinned
    Column("root", String(80)),  # of the asset's directory; None until it was put together
    Column("status", String(12), nullable=False),
    Column("request_id", String(200)),  # the service's own name for the pin
    Column("bytes", BigInteger),  # of all blocks
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("repairs", Integer, nullable=False, server_default="0"),  # how often it was lost and pinned anew
    Column("error", Text),
    Column("requested_at", String(32), nullable=False),
    Column("pinned_at", String(32)),
    Column("checked_at", String(32)),  # when the service was last asked about it
    Column("read_at", String(32)),  # when all of it last came back from the service
    UniqueConstraint("asset_id", "service"),
    CheckConstraint("status in ('queued', 'pinning', 'pinned', 'failed', 'lost')", name="status"),
)
Index("ix_pins_root", pins.c.root)
Index("ix_pins_tenant_id", pins.c.tenant_id, pins.c.requested_at, pins.c.id)
Index("ix_pins_metadata_cid", pins.c.metadata_cid)
Index("ix_pins_service", pins.c.service, pins.c.status, pins.c.checked_at)

# Mints that go on without a pin, because who asked for them wants it so.
pin_waivers = Table(
    "pin_waivers",
    metadata,
    Column("mint_id", String(48), ForeignKey("mints.id", ondelete="CASCADE"), primary_key=True),
)

# When each tenant was last served from a queue: the next job comes from who was served longest ago.
turns = Table(
    "turns",
    metadata,
    Column("queue", String(16), primary_key=True),
    Column("tenant_id", String(40), primary_key=True),
    Column("served", BigInteger, nullable=False),  # counts up over the queue
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("session", String(64), nullable=False),  # application name of its connections to PostgreSQL
    Column("queues", JSON, nullable=False),
    Column("models", JSON, nullable=False),  # what it can draw with, as engine.api.account.Model
    Column("started_at", String(32), nullable=False),
    Column("beat_at_ms", BigInteger, nullable=False),  # Unix time of its last sign of life, by the database
)
