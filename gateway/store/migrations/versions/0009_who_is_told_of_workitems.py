"""Who is told of workitems, and what they have not been sent yet"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "ups_subscriptions",
        sa.Column("workitem_uid", sa.Text(), nullable=False),
        sa.Column("aet", sa.Text(), nullable=False),
        sa.Column("subscribed", sa.Boolean(), nullable=False),
        sa.Column("deletion_lock", sa.Boolean(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("suspended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("workitem_uid", "aet"),
    )
    op.create_index("ix_ups_subscriptions_aet", "ups_subscriptions", ["aet"])
    op.create_table(
        "ups_notifications",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("aet", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_ups_notifications_at", "ups_notifications", ["at"])
    op.create_index("ups_notifications_of_ae", "ups_notifications", ["aet", "id"])
    op.create_table(
        "ups_event_channels",
        sa.Column("aet", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("aet"),
    )


def downgrade() -> None:
    op.drop_table("ups_event_channels")
    op.drop_table("ups_notifications")
    op.drop_table("ups_subscriptions")
