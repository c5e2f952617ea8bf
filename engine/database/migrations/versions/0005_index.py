"""what minting keeps, and what the chain's logs say"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "indexed_blocks",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "number", name=op.f("pk_indexed_blocks")),
    )
    op.create_table(
        "indexed_chains",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("head_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("pk_indexed_chains")),
    )
    op.create_table(
        "indexed_contracts",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("first_block", sa.BigInteger(), nullable=False),
        sa.Column("next_block", sa.BigInteger(), nullable=False),
        sa.Column("found_block", sa.BigInteger(), nullable=True),
        sa.Column("creator", sa.String(length=42), nullable=True),
        sa.CheckConstraint(
            "kind in ('assets', 'collections', 'vouchers')", name=op.f("ck_indexed_contracts_kind")
        ),
        sa.PrimaryKeyConstraint("chain_id", "address", name=op.f("pk_indexed_contracts")),
    )
    op.create_table(
        "token_changes",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("token_id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("prompt_hash", sa.String(length=66), nullable=True),
        sa.Column("content_hash", sa.String(length=66), nullable=True),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("kind in ('metadata', 'frozen', 'recipe')", name=op.f("ck_token_changes_kind")),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_token_changes")),
    )
    with op.batch_alter_table("token_changes", schema=None) as batch_op:
        batch_op.create_index(
            "ix_token_changes_token",
            ["chain_id", "contract", "token_id", "block_number", "log_index"],
            unique=False,
        )

    op.create_table(
        "tokens",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("token_id", sa.String(length=80), nullable=False),
        sa.Column("owner", sa.String(length=42), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("minted_digest", sa.String(length=64), nullable=True),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("minted_block", sa.BigInteger(), nullable=False),
        sa.Column("minted_index", sa.Integer(), nullable=False),
        sa.Column("minted_tx", sa.String(length=66), nullable=False),
        sa.Column("minted_at", sa.String(length=32), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "contract", "token_id", name=op.f("pk_tokens")),
    )
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.create_index("ix_tokens_changed", ["chain_id", "changed_block"], unique=False)
        batch_op.create_index(
            "ix_tokens_contract", ["chain_id", "contract", "minted_block", "minted_index"], unique=False
        )
        batch_op.create_index("ix_tokens_minted", ["chain_id", "minted_block", "minted_index"], unique=False)
        batch_op.create_index(
            "ix_tokens_owner", ["chain_id", "owner", "minted_block", "minted_index"], unique=False
        )

    op.create_table(
        "transfers",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("token_id", sa.String(length=80), nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("receiver", sa.String(length=42), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_transfers")),
    )
    with op.batch_alter_table("transfers", schema=None) as batch_op:
        batch_op.create_index(
            "ix_transfers_token",
            ["chain_id", "contract", "token_id", "block_number", "log_index"],
            unique=False,
        )

    op.create_table(
        "voucher_events",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("signer", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.String(length=80), nullable=False),
        sa.Column("collection", sa.String(length=42), nullable=True),
        sa.Column("recipient", sa.String(length=42), nullable=True),
        sa.Column("token_id", sa.String(length=80), nullable=True),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("kind in ('claimed', 'cancelled')", name=op.f("ck_voucher_events_kind")),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_voucher_events")),
    )
    with op.batch_alter_table("voucher_events", schema=None) as batch_op:
        batch_op.create_index("ix_voucher_events_signer", ["chain_id", "signer", "nonce"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("What minting keeps has no place in the older schema; restore a backup.")
