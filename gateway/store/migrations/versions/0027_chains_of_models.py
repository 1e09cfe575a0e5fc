"""chains of models"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

_WORKITEM = "workitems.sop_instance_uid"


def upgrade() -> None:
    op.create_table(
        "chain_links",
        sa.Column("workitem_uid", sa.Text(), nullable=False),
        sa.Column("input_name", sa.Text(), nullable=False),
        sa.Column("earlier_uid", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["workitem_uid"], [_WORKITEM], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["earlier_uid"], [_WORKITEM], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workitem_uid", "input_name"),
    )
    op.create_index("ix_chain_links_earlier_uid", "chain_links", ["earlier_uid"])
    op.create_table(
        "kept_findings",
        sa.Column("workitem_uid", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["workitem_uid"], [_WORKITEM], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workitem_uid"),
    )


def downgrade() -> None:
    op.drop_table("kept_findings")
    op.drop_table("chain_links")
