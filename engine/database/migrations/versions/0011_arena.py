"""duels of models"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duels",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("left_model", sa.String(length=200), nullable=False),
        sa.Column("right_model", sa.String(length=200), nullable=False),
        sa.Column("left_creation_id", sa.String(length=40), nullable=False),
        sa.Column("right_creation_id", sa.String(length=40), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("decided_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint("verdict in ('left', 'right', 'both', 'neither')", name=op.f("ck_duels_verdict")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_duels_tenant_id")),
        sa.ForeignKeyConstraint(
            ["left_creation_id"], ["creations.id"], name=op.f("fk_duels_left_creation_id")
        ),
        sa.ForeignKeyConstraint(
            ["right_creation_id"], ["creations.id"], name=op.f("fk_duels_right_creation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duels")),
    )
    with op.batch_alter_table("duels", schema=None) as batch_op:
        batch_op.create_index("ix_duels_tenant_id", ["tenant_id", "created_at", "id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("Duels have no place in the older schema; restore a backup.")
