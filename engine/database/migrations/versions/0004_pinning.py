"""pins of assets, and mints that go on without one"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pins",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("asset_id", sa.String(length=40), nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("metadata_cid", sa.String(length=80), nullable=False),
        sa.Column("root", sa.String(length=80), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("request_id", sa.String(length=200), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("repairs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("pinned_at", sa.String(length=32), nullable=True),
        sa.Column("checked_at", sa.String(length=32), nullable=True),
        sa.Column("read_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint(
            "status in ('queued', 'pinning', 'pinned', 'failed', 'lost')", name=op.f("ck_pins_status")
        ),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name=op.f("fk_pins_asset_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_pins_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pins")),
        sa.UniqueConstraint("asset_id", "service", name=op.f("uq_pins_asset_id")),
    )
    op.create_index("ix_pins_root", "pins", ["root"], unique=False)
    op.create_index("ix_pins_metadata_cid", "pins", ["metadata_cid"], unique=False)
    op.create_index("ix_pins_service", "pins", ["service", "status", "checked_at"], unique=False)
    op.create_index("ix_assets_metadata_cid", "assets", ["metadata_cid"], unique=False)
    op.create_table(
        "pin_waivers",
        sa.Column("mint_id", sa.String(length=48), nullable=False),
        sa.ForeignKeyConstraint(
            ["mint_id"], ["mints.id"], name=op.f("fk_pin_waivers_mint_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mint_id", name=op.f("pk_pin_waivers")),
    )


def downgrade() -> None:
    op.drop_table("pin_waivers")
    op.drop_index("ix_assets_metadata_cid", table_name="assets")
    op.drop_table("pins")
