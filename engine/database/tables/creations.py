"""What was asked for, and how it went."""

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from engine.database.tables.metadata import metadata

collections = Table(
    "collections",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
)
Index("ix_collections_tenant_id", collections.c.tenant_id, collections.c.created_at)

creations = Table(
    "creations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("key_id", String(40), ForeignKey("api_keys.id")),  # None: asked for on the command line
    Column("status", String(12), nullable=False),
    Column("request", JSON(none_as_null=True)),  # as engine.api.creation.CreationRequest; None: recipes alone
    Column(
        "recipes", JSON, nullable=False
    ),  # list of recipe objects, one an asset; empty until they are made
    Column("count", Integer, nullable=False),  # assets asked for
    Column("collection_id", String(40), ForeignKey("collections.id", ondelete="SET NULL")),
    Column("error", Text),
    Column("events", Integer, nullable=False, server_default="0"),  # how many there are in creation_events
    Column("created_at", String(32), nullable=False),
    Column("started_at", String(32)),
    Column("finished_at", String(32)),
    CheckConstraint("status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="status"),
)
Index("ix_creations_tenant_id", creations.c.tenant_id, creations.c.created_at, creations.c.id)
Index("ix_creations_key_id", creations.c.key_id, creations.c.status)

# What happened to a creation, in order; what the server-sent events repeat.
creation_events = Table(
    "creation_events",
    metadata,
    Column("creation_id", String(40), ForeignKey("creations.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1
    Column("type", String(24), nullable=False),
    Column("data", JSON, nullable=False),
    Column("created_at", String(32), nullable=False),
)

# How long the newest draws took, for estimates; a few of each model and kind are kept.
drawing_times = Table(
    "drawing_times",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("model", String(200), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("assets", Integer, nullable=False),
    Column("steps", Integer, nullable=False),  # of denoising, over all of them
    Column("ms", Integer, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_drawing_times_model", drawing_times.c.model, drawing_times.c.kind, drawing_times.c.number)

# Two models draw one prompt with one seed, and somebody says which drew it better.
duels = Table(
    "duels",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("left_model", String(200), nullable=False),
    Column("right_model", String(200), nullable=False),
    Column("left_creation_id", String(40), ForeignKey("creations.id"), nullable=False),
    Column("right_creation_id", String(40), ForeignKey("creations.id"), nullable=False),
    Column("verdict", String(8)),  # left, right, both, neither; NULL until somebody said
    Column("created_at", String(32), nullable=False),
    Column("decided_at", String(32)),
    CheckConstraint("verdict in ('left', 'right', 'both', 'neither')", name="verdict"),
)
Index("ix_duels_tenant_id", duels.c.tenant_id, duels.c.created_at, duels.c.id)
