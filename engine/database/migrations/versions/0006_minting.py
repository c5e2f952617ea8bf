"""batches of mints, each change of a mint, and transactions with their versions"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from chain.transactions import read_fields

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mint_changes",
        sa.Column("mint_id", sa.String(length=48), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("tx_hash", sa.String(length=66), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["mint_id"], ["mints.id"], name=op.f("fk_mint_changes_mint_id_mints"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mint_id", "number", name=op.f("pk_mint_changes")),
    )
    op.create_table(
        "mint_batches",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("recipient", sa.String(length=42), nullable=False),
        sa.Column("half_of", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mint_batches")),
    )
    op.create_table(
        "batch_mints",
        sa.Column("mint_id", sa.String(length=48), nullable=False),
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["mint_batches.id"], name=op.f("fk_batch_mints_batch_id_mint_batches")
        ),
        sa.ForeignKeyConstraint(
            ["mint_id"], ["mints.id"], name=op.f("fk_batch_mints_mint_id_mints"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mint_id", name=op.f("pk_batch_mints")),
    )
    op.create_index("ix_batch_mints_batch_id", "batch_mints", ["batch_id", "position"])
    op.create_table(
        "signers",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("next_nonce", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "address", name=op.f("pk_signers")),
    )
    _renew_transactions()


def _renew_transactions() -> None:
    connection = op.get_bind()
    former = connection.execute(
        sa.text(
            "SELECT purpose, chain_id, sender, nonce, hash, raw, created_at FROM transactions "
            "ORDER BY created_at, nonce"
        )
    ).all()
    op.drop_table("transactions")
    table = op.create_table(
        "transactions",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(length=80), nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=12), server_default="signed", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("replaces", sa.String(length=66), nullable=True),
        sa.Column("gas", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("max_fee_per_gas_wei", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("max_priority_fee_per_gas_wei", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.String(length=66), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "status in ('signed', 'sent', 'mined', 'confirmed', 'refused', 'overtaken', 'lost')",
            name=op.f("ck_transactions_status"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_transactions")),
        sa.UniqueConstraint("chain_id", "hash", name=op.f("uq_transactions_chain_id")),
        sqlite_autoincrement=True,
    )
    first = sa.text("replaces IS NULL AND status != 'lost' AND purpose != 'empty'")
    op.create_index(
        "uq_transactions_purpose",
        "transactions",
        ["chain_id", "purpose"],
        unique=True,
        sqlite_where=first,
        postgresql_where=first,
    )
    op.create_index("ix_transactions_purpose", "transactions", ["chain_id", "purpose"])
    op.create_index("ix_transactions_sender", "transactions", ["chain_id", "sender", "nonce"])
    _keep(connection, table, former)


def _keep(connection: sa.Connection, table: sa.Table, former: Any) -> None:
    """What was signed before, as what it was for: an unfinished mint goes on as a batch of its own."""
    mints = {row.id: row for row in connection.execute(sa.text("SELECT * FROM mints"))}
    deployed = set(connection.scalars(sa.text("SELECT chain_id FROM contracts")))
    newest = {row.purpose.split("/")[1]: row.hash for row in former}  # later attempts have later nonces
    for row in former:
        subject = row.purpose.split("/")[1]
        mint = mints.get(subject)
        done = row.chain_id in deployed if mint is None else mint.status in ("confirmed", "failed")
        status = "lost" if newest[subject] != row.hash else "confirmed" if done else "signed"
        fields = read_fields(row.raw)
        values = dict(row._mapping) | {
            "purpose": subject if mint is None else f"batch-{subject}",
            "status": status,
            "gas": fields["gas"],
            "max_fee_per_gas_wei": fields["maxFeePerGas"],
            "max_priority_fee_per_gas_wei": fields["maxPriorityFeePerGas"],
        }
        connection.execute(sa.insert(table).values(**values))
        if mint is not None and status == "signed":
            batch: dict[str, Any] = {
                "id": f"batch-{subject}",
                "chain_id": mint.chain_id,
                "contract": fields["to"],
                "recipient": mint.recipient,
                "created_at": row.created_at,
            }
            connection.execute(
                sa.text(
                    "INSERT INTO mint_batches (id, chain_id, contract, recipient, created_at) "
                    "VALUES (:id, :chain_id, :contract, :recipient, :created_at)"
                ),
                batch,
            )
            connection.execute(
                sa.text("INSERT INTO batch_mints (mint_id, batch_id, position) VALUES (:mint, :batch, 0)"),
                {"mint": subject, "batch": batch["id"]},
            )
    connection.execute(
        sa.text(
            "INSERT INTO signers (chain_id, address, next_nonce) "
            "SELECT chain_id, sender, max(nonce) + 1 FROM transactions GROUP BY chain_id, sender"
        )
    )
    connection.execute(
        sa.text(
            "INSERT INTO mint_changes (mint_id, number, status, reason, tx_hash, block_number, at) "
            "SELECT id, 1, status, error, tx_hash, block_number, created_at FROM mints"
        )
    )


def downgrade() -> None:
    op.drop_table("transactions")
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
    op.drop_table("signers")
    op.drop_table("batch_mints")
    op.drop_table("mint_batches")
    op.drop_table("mint_changes")
