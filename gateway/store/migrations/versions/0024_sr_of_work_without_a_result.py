"""whether work without a result says so in an SR"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    wanted = sa.Column("sr_without_result", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("workitems", wanted)


def downgrade() -> None:
    op.drop_column("workitems", "sr_without_result")
