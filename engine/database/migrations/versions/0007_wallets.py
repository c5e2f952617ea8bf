"""players, wallets, vouchers and who holds what in the game"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "players",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_players")),
        sa.UniqueConstraint("address", name=op.f("uq_players_address")),
    )
    op.create_table(
        "voucher_contracts",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("pk_voucher_contracts")),
    )
    op.create_table(
        "wallet_nonces",
        sa.Column("nonce", sa.String(length=40), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_wallet_nonces")),
    )
    with op.batch_alter_table("wallet_nonces", schema=None) as batch_op:
        batch_op.create_index("ix_wallet_nonces_expires_at_ms", ["expires_at_ms"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("player_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["player_id"], ["players.id"], name=op.f("fk_sessions_player_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index("ix_sessions_expires_at_ms", ["expires_at_ms"], unique=False)
        batch_op.create_index("ix_sessions_player_id", ["player_id"], unique=False)

    op.create_table(
        "vouchers",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=True),
        sa.Column("player_id", sa.String(length=40), nullable=True),
        sa.Column("asset_id", sa.String(length=40), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("recipient", sa.String(length=42), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("deadline_s", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("collection", sa.String(length=42), nullable=True),
        sa.Column("contract", sa.String(length=42), nullable=True),
        sa.Column("signer", sa.String(length=42), nullable=True),
        sa.Column("nonce", sa.String(length=80), nullable=True),
        sa.Column("signature", sa.String(length=140), nullable=True),
        sa.Column("from_block", sa.BigInteger(), nullable=True),
        sa.Column("handed_out_at", sa.String(length=32), nullable=True),
        sa.Column("token_id", sa.String(length=80), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "status in ('prepared', 'signed', 'claimed', 'cancelling', 'cancelled', 'expired', 'failed')",
            name=op.f("ck_vouchers_status"),
        ),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_vouchers_asset_id")),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name=op.f("fk_vouchers_key_id")),
        sa.ForeignKeyConstraint(["player_id"], ["players.id"], name=op.f("fk_vouchers_player_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_vouchers_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vouchers")),
        sa.UniqueConstraint("nonce", name=op.f("uq_vouchers_nonce")),
    )
    with op.batch_alter_table("vouchers", schema=None) as batch_op:
        batch_op.create_index("ix_vouchers_asset_id", ["asset_id"], unique=False)
        batch_op.create_index("ix_vouchers_tenant_id", ["tenant_id", "created_at", "id"], unique=False)
        batch_op.create_index(
            "uq_vouchers_living",
            ["asset_id", "chain_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('prepared', 'signed', 'cancelling')"),
            postgresql_where=sa.text("status IN ('prepared', 'signed', 'cancelling')"),
        )

    with op.batch_alter_table("assets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("holder_player_id", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("holder_reference", sa.String(length=200), nullable=True))
        batch_op.create_index(
            "ix_assets_holder_player_id", ["holder_player_id", "created_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_assets_holder_reference", ["tenant_id", "holder_reference", "created_at", "id"], unique=False
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_assets_holder_player_id"), "players", ["holder_player_id"], ["id"]
        )


def downgrade() -> None:
    raise NotImplementedError("Players and vouchers have no place in the older schema; restore a backup.")
