"""sums for metrics"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "metric_sums",
        sa.Column("family", sa.Text(), primary_key=True),
        sa.Column("labels", sa.Text(), primary_key=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.Column("buckets", sa.Text(), nullable=False),
    )
    op.create_table(
        "metric_marks",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("event_id", sa.Integer(), nullable=False),
    )
    op.create_index(
        "workitem_of_queue",
        "workitems",
        ["procedure_step_state", "queue", "priority", "created_at"],
    )


def downgrade() -> None:
    op.drop_index("workitem_of_queue", "workitems")
    op.drop_table("metric_marks")
    op.drop_table("metric_sums")
