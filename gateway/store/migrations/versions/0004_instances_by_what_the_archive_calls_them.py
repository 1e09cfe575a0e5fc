"""instances by what the archive calls them, and rows that a changed archive lacks"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute('ALTER TABLE instances ALTER COLUMN archive_key TYPE text COLLATE "C"')
        op.alter_column("archive_cursors", "last", type_=sa.BigInteger())
    op.create_index("ix_instances_archive_key", "instances", ["archive_key"])
    missing = sa.Column("missing", sa.Integer(), server_default="0", nullable=False)
    op.add_column("archive_cursors", missing)


def downgrade() -> None:
    op.drop_column("archive_cursors", "missing")
    op.drop_index("ix_instances_archive_key", "instances")
