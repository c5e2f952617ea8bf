"""drops of collections, and who claimed from them"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drops",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("collection_id", sa.String(length=40), nullable=False),
        sa.Column("per_address", sa.Integer(), nullable=False),
        sa.Column("listed_only", sa.Boolean(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("starts_at_s", sa.BigInteger(), nullable=False),
        sa.Column("ends_at_s", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_drops_tenant_id")),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name=op.f("fk_drops_collection_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drops")),
        sa.UniqueConstraint("collection_id", name=op.f("uq_drops_collection_id")),
    )
    with op.batch_alter_table("drops", schema=None) as batch_op:
        batch_op.create_index("ix_drops_tenant_id", ["tenant_id", "created_at", "id"], unique=False)

    op.create_table(
        "drop_addresses",
        sa.Column("drop_id", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.ForeignKeyConstraint(
            ["drop_id"], ["drops.id"], name=op.f("fk_drop_addresses_drop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("drop_id", "address", name=op.f("pk_drop_addresses")),
    )
    op.create_table(
        "drop_claims",
        sa.Column("voucher_id", sa.String(length=40), nullable=False),
        sa.Column("drop_id", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.ForeignKeyConstraint(["voucher_id"], ["vouchers.id"], name=op.f("fk_drop_claims_voucher_id")),
        sa.ForeignKeyConstraint(
            ["drop_id"], ["drops.id"], name=op.f("fk_drop_claims_drop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("voucher_id", name=op.f("pk_drop_claims")),
    )
    with op.batch_alter_table("drop_claims", schema=None) as batch_op:
        batch_op.create_index("ix_drop_claims_drop_id", ["drop_id", "address"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("Drops have no place in the older schema; restore a backup.")
