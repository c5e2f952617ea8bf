"""What the chain took is found by its block, so that a reorganisation that removes it is noticed."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    columns = ["chain_id", "status", "block_number"]
    op.create_index("ix_transactions_status", "transactions", columns, unique=False)


def downgrade() -> None:
    op.drop_index("ix_transactions_status", "transactions")
