"""lines of batches by workitem"""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_index("ix_batch_lines_workitem_uid", "batch_lines", ["workitem_uid"])


def downgrade() -> None:
    op.drop_index("ix_batch_lines_workitem_uid", "batch_lines")
