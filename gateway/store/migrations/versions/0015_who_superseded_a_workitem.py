"""who superseded a workitem"""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_index("ix_workitems_supersedes", "workitems", ["supersedes"])


def downgrade() -> None:
    op.drop_index("ix_workitems_supersedes", "workitems")
