"""which work supersedes which"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    supersedes = sa.Column("supersedes", sa.Text(), server_default="", nullable=False)
    op.add_column("workitems", supersedes)


def downgrade() -> None:
    op.drop_column("workitems", "supersedes")
