"""jobs that are put off, queues, and work that is ordered again"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    for column in (
        sa.Column("queue", sa.Text(), server_default="cpu", nullable=False),
        sa.Column("put_offs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.Double(), nullable=True),
        sa.Column("replay_of", sa.Text(), server_default="", nullable=False),
    ):
        op.add_column("workitems", column)
    op.create_index("ix_workitems_replay_of", "workitems", ["replay_of"])
    waits = sa.text("not_before IS NOT NULL")
    op.create_index(
        "workitem_that_waits",
        "workitems",
        ["not_before"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_index("workitem_newest", "workitems", ["created_at", "sop_instance_uid"])
    op.create_index("workitem_of_outcome", "workitems", ["outcome", "created_at"])


def downgrade() -> None:
    for name in (
        "workitem_of_outcome",
        "workitem_newest",
        "workitem_that_waits",
        "ix_workitems_replay_of",
    ):
        op.drop_index(name, "workitems")
    for column in ("queue", "put_offs", "not_before", "replay_of"):
        op.drop_column("workitems", column)
