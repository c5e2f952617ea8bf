"""first light"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contracts",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("pk_contracts")),
    )
    op.create_table(
        "creations",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("recipes", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')",
            name=op.f("ck_creations_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_creations")),
    )
    op.create_table(
        "transactions",
        sa.Column("purpose", sa.String(length=80), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_transactions")),
        sa.UniqueConstraint("chain_id", "hash", name=op.f("uq_transactions_chain_id")),
    )
    op.create_table(
        "assets",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("creation_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("recipe_hash", sa.String(length=64), nullable=False),
        sa.Column("media_cid", sa.String(length=80), nullable=False),
        sa.Column("image_cid", sa.String(length=80), nullable=False),
        sa.Column("metadata_cid", sa.String(length=80), nullable=False),
        sa.Column("owner", sa.String(length=42), nullable=True),
        sa.Column("parents", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["creation_id"], ["creations.id"], name=op.f("fk_assets_creation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
        sa.UniqueConstraint("creation_id", "position", name=op.f("uq_assets_creation_id")),
    )
    op.create_table(
        "mints",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("asset_id", sa.String(length=40), nullable=False),
        sa.Column("recipient", sa.String(length=42), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("token_id", sa.String(length=80), nullable=True),
        sa.Column("tx_hash", sa.String(length=66), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "status in ('prepared', 'signed', 'sent', 'mined', 'confirmed', 'failed')",
            name=op.f("ck_mints_status"),
        ),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_mints_asset_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mints")),
    )
    with op.batch_alter_table("mints", schema=None) as batch_op:
        batch_op.create_index("ix_mints_token_id", ["contract", "token_id"], unique=False)
        batch_op.create_index(
            "uq_mints_living",
            ["asset_id", "chain_id"],
            unique=True,
            sqlite_where=sa.text("status != 'failed'"),
            postgresql_where=sa.text("status != 'failed'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("mints", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_mints_living",
            sqlite_where=sa.text("status != 'failed'"),
            postgresql_where=sa.text("status != 'failed'"),
        )
        batch_op.drop_index("ix_mints_token_id")

    op.drop_table("mints")
    op.drop_table("assets")
    op.drop_table("transactions")
    op.drop_table("creations")
    op.drop_table("contracts")
