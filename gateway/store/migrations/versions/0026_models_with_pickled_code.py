"""models that need their pickled code"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    needed = sa.Column("pickles", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("models", needed)


def downgrade() -> None:
    op.drop_column("models", "pickles")
