"""artefacts that are a single file"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    name = sa.Column("artefact_name", sa.Text(), server_default="", nullable=False)
    op.add_column("models", name)


def downgrade() -> None:
    op.drop_column("models", "artefact_name")
