"""overlaps of results"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

_TO_MEASURE = sa.text("voxels IS NULL")
_WORKITEM = "workitems.sop_instance_uid"


def upgrade() -> None:
    op.create_table(
        "segment_overlaps",
        sa.Column("first_uid", sa.Text(), nullable=False),
        sa.Column("second_uid", sa.Text(), nullable=False),
        sa.Column("voxels", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["first_uid"], [_WORKITEM], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["second_uid"], [_WORKITEM], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("first_uid", "second_uid"),
    )
    op.create_index("ix_segment_overlaps_second_uid", "segment_overlaps", ["second_uid"])
    op.create_index(
        "overlaps_to_measure",
        "segment_overlaps",
        ["first_uid"],
        sqlite_where=_TO_MEASURE,
        postgresql_where=_TO_MEASURE,
    )


def downgrade() -> None:
    op.drop_table("segment_overlaps")
