"""lists of a tenant's pins and deliveries, newest first"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("pins", schema=None) as batch_op:
        batch_op.create_index("ix_pins_tenant_id", ["tenant_id", "requested_at", "id"], unique=False)
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index("ix_deliveries_tenant_id", ["tenant_id", "created_at", "id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("What jobs are sorted by has no place in the older schema; restore a backup.")
