"""tenants, keys, jobs and what the asset API keeps"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What was made before there were tenants belongs to the command line's own.
LOCAL = "tenant-local"
OWNED = ("creations", "assets", "mints")


def upgrade() -> None:
    op.create_table(
        "blocks",
        sa.Column("cid", sa.String(length=80), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_blocks")),
    )
    op.create_table(
        "jobs",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("queue", sa.String(length=16), nullable=False),
        sa.Column("record_id", sa.String(length=80), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("model", sa.String(length=200), server_default="", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("worker_id", sa.String(length=40), nullable=True),
        sa.Column("run", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deaths", sa.Integer(), server_default="0", nullable=False),
        sa.Column("run_after_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("state in ('queued', 'running', 'set_aside')", name=op.f("ck_jobs_state")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_jobs")),
        sa.UniqueConstraint("queue", "record_id", name=op.f("uq_jobs_queue")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(
            "ix_jobs_waiting",
            ["queue", "state", "tenant_id", sa.literal_column("priority DESC"), "number"],
            unique=False,
        )
        batch_op.create_index("ix_jobs_due", ["queue", "state", "run_after_ms"], unique=False)
        batch_op.create_index("ix_jobs_worker_id", ["worker_id"], unique=False)

    op.create_table(
        "tenants",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("name", name=op.f("uq_tenants_name")),
    )
    op.execute(
        "INSERT INTO tenants (id, name, created_at) VALUES ('tenant-local', 'local', '2026-01-01T00:00:00Z')"
    )
    op.create_table(
        "drawing_times",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("assets", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_drawing_times")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("drawing_times", schema=None) as batch_op:
        batch_op.create_index("ix_drawing_times_model", ["model", "kind", "number"], unique=False)

    op.create_table(
        "turns",
        sa.Column("queue", sa.String(length=16), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("served", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "tenant_id", name=op.f("pk_turns")),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("host", sa.String(length=200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("queues", sa.JSON(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.String(length=32), nullable=False),
        sa.Column("beat_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("per_day", sa.Integer(), nullable=False),
        sa.Column("concurrent", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("revoked_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_api_keys_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index("ix_api_keys_tenant_id", ["tenant_id"], unique=False)

    op.create_table(
        "collections",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_collections_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
    )
    with op.batch_alter_table("collections", schema=None) as batch_op:
        batch_op.create_index("ix_collections_tenant_id", ["tenant_id", "created_at"], unique=False)

    op.create_table(
        "idempotency",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_idempotency_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "key", name=op.f("pk_idempotency")),
    )
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.create_index("ix_idempotency_created_at", ["created_at"], unique=False)

    op.create_table(
        "moderations",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_moderations_tenant_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_moderations")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("moderations", schema=None) as batch_op:
        batch_op.create_index("ix_moderations_tenant_id", ["tenant_id", "number"], unique=False)

    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=80), nullable=False),
        sa.Column("former_secret", sa.String(length=80), nullable=True),
        sa.Column("former_until", sa.String(length=32), nullable=True),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_webhooks_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    with op.batch_alter_table("webhooks", schema=None) as batch_op:
        batch_op.create_index("ix_webhooks_tenant_id", ["tenant_id"], unique=False)

    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("webhook_id", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("earlier", sa.Integer(), server_default="0", nullable=False),
        sa.Column("begun_at", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint("status in ('pending', 'delivered', 'failed')", name=op.f("ck_deliveries_status")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_deliveries_tenant_id")),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_deliveries_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index("ix_deliveries_webhook_id", ["webhook_id", "created_at", "id"], unique=False)

    op.create_table(
        "usage",
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("creations", sa.Integer(), server_default="0", nullable=False),
        sa.Column("assets", sa.Integer(), server_default="0", nullable=False),
        sa.Column("steps", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("mints", sa.Integer(), server_default="0", nullable=False),
        sa.Column("upload_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name=op.f("fk_usage_key_id")),
        sa.PrimaryKeyConstraint("key_id", "day", name=op.f("pk_usage")),
    )
    op.create_table(
        "creation_events",
        sa.Column("creation_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=24), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["creation_id"], ["creations.id"], name=op.f("fk_creation_events_creation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("creation_id", "number", name=op.f("pk_creation_events")),
    )
    op.create_table(
        "delivery_attempts",
        sa.Column("delivery_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.id"],
            name=op.f("fk_delivery_attempts_delivery_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_delivery_attempts")),
    )
    op.create_table(
        "asset_tags",
        sa.Column("asset_id", sa.String(length=40), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name=op.f("fk_asset_tags_asset_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("asset_id", "tag", name=op.f("pk_asset_tags")),
    )
    with op.batch_alter_table("asset_tags", schema=None) as batch_op:
        batch_op.create_index("ix_asset_tags_tag", ["tag", "asset_id"], unique=False)

    op.create_table(
        "asset_vectors",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("asset_id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name=op.f("fk_asset_vectors_asset_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_asset_vectors")),
        sa.UniqueConstraint("asset_id", name=op.f("uq_asset_vectors_asset_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("asset_vectors", schema=None) as batch_op:
        batch_op.create_index("ix_asset_vectors_tenant_id", ["tenant_id", "number"], unique=False)

    op.create_table(
        "collection_assets",
        sa.Column("collection_id", sa.String(length=40), nullable=False),
        sa.Column("asset_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name=op.f("fk_collection_assets_asset_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=op.f("fk_collection_assets_collection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", "asset_id", name=op.f("pk_collection_assets")),
    )
    with op.batch_alter_table("collection_assets", schema=None) as batch_op:
        batch_op.create_index("ix_collection_assets_asset_id", ["asset_id"], unique=False)

    for table in OWNED:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(
                sa.Column("tenant_id", sa.String(length=40), nullable=False, server_default=LOCAL)
            )
    with op.batch_alter_table("creations", schema=None) as batch_op:
        batch_op.alter_column("tenant_id", existing_type=sa.String(length=40), server_default=None)
        batch_op.add_column(sa.Column("key_id", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("request", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("count", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("collection_id", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("events", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("started_at", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("finished_at", sa.String(length=32), nullable=True))
        batch_op.create_index("ix_creations_tenant_id", ["tenant_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_creations_key_id", ["key_id", "status"], unique=False)
        batch_op.create_foreign_key(
            op.f("fk_creations_collection_id"), "collections", ["collection_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_foreign_key(op.f("fk_creations_tenant_id"), "tenants", ["tenant_id"], ["id"])
        batch_op.create_foreign_key(op.f("fk_creations_key_id"), "api_keys", ["key_id"], ["id"])
    op.execute("UPDATE creations SET count = json_array_length(recipes)")
    with op.batch_alter_table("creations", schema=None) as batch_op:
        batch_op.alter_column("count", existing_type=sa.Integer(), server_default=None)
    with op.batch_alter_table("assets", schema=None) as batch_op:
        batch_op.alter_column("tenant_id", existing_type=sa.String(length=40), server_default=None)
        batch_op.alter_column("creation_id", existing_type=sa.String(length=40), nullable=True)
        batch_op.create_index("ix_assets_tenant_id", ["tenant_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_assets_kind", ["tenant_id", "kind", "created_at", "id"], unique=False)
        batch_op.create_index(
            "ix_assets_creation", ["tenant_id", "creation_id", "created_at", "id"], unique=False
        )
        batch_op.create_index("ix_assets_owner", ["tenant_id", "owner", "created_at", "id"], unique=False)
        batch_op.create_foreign_key(op.f("fk_assets_tenant_id"), "tenants", ["tenant_id"], ["id"])
    with op.batch_alter_table("mints", schema=None) as batch_op:
        batch_op.alter_column("tenant_id", existing_type=sa.String(length=40), server_default=None)
        batch_op.add_column(sa.Column("key_id", sa.String(length=40), nullable=True))
        batch_op.create_index("ix_mints_tenant_id", ["tenant_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_mints_asset_id", ["asset_id", "status"], unique=False)
        batch_op.create_foreign_key(op.f("fk_mints_tenant_id"), "tenants", ["tenant_id"], ["id"])
        batch_op.create_foreign_key(op.f("fk_mints_key_id"), "api_keys", ["key_id"], ["id"])
    for queue, table, ended in (
        ("generate", "creations", "'succeeded', 'failed', 'cancelled'"),
        ("mint", "mints", "'confirmed', 'failed'"),
    ):
        op.execute(f"INSERT INTO turns (queue, tenant_id, served) VALUES ('{queue}', '{LOCAL}', 0)")
        op.execute(
            "INSERT INTO jobs (queue, record_id, tenant_id, state, run_after_ms, created_at) "
            f"SELECT '{queue}', id, tenant_id, 'queued', 0, created_at FROM {table} "
            f"WHERE status NOT IN ({ended}) ORDER BY created_at"
        )


def downgrade() -> None:
    raise NotImplementedError("Keys, webhooks and jobs have no place in the older schema; restore a backup.")
