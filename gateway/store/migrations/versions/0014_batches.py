"""batches, and results that are kept apart"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, index=True),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
    )
    op.create_table(
        "batch_lines",
        sa.Column(
            "batch_id", sa.Text(), sa.ForeignKey("batches.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("study_instance_uid", sa.Text(), server_default="", nullable=False),
        sa.Column("workitem_uid", sa.Text(), server_default="", nullable=False),
        sa.Column("is_own", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "number"),
    )
    op.create_index("batch_line_of_state", "batch_lines", ["batch_id", "state", "number"])
    op.create_table(
        "shadow_objects",
        sa.Column("sop_instance_uid", sa.Text(), primary_key=True),
        sa.Column("workitem_uid", sa.Text(), nullable=False, index=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    stage = sa.Column("stage", sa.Text(), server_default="live", nullable=False)
    op.add_column("workitems", stage)


def downgrade() -> None:
    op.drop_column("workitems", "stage")
    op.drop_table("shadow_objects")
    op.drop_table("batch_lines")
    op.drop_table("batches")
