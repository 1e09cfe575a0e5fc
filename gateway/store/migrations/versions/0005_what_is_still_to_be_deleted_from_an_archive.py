"""what is still to be deleted from an archive"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    key = sa.Column("archive_key", sa.Text(), server_default="", nullable=False)
    op.add_column("tombstones", key)
    op.create_index(
        "tombstones_with_bytes",
        "tombstones",
        ["uid"],
        sqlite_where=sa.text("archive_key != ''"),
        postgresql_where=sa.text("archive_key != ''"),
    )


def downgrade() -> None:
    op.drop_index("tombstones_with_bytes", "tombstones")
    op.drop_column("tombstones", "archive_key")
