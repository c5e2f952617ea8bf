"""vouchers with a price, and vouchers for whoever has them"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("vouchers", schema=None) as batch_op:
        batch_op.alter_column("recipient", existing_type=sa.String(length=42), nullable=True)
        batch_op.add_column(sa.Column("price_wei", sa.String(length=80), nullable=False, server_default="0"))
        batch_op.create_index("ix_vouchers_recipient", ["recipient", "created_at", "id"], unique=False)
        batch_op.create_index("ix_vouchers_player_id", ["player_id", "created_at", "id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError(
        "Vouchers for whoever has them have no place in the older schema; restore a backup."
    )
