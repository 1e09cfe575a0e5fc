"""sizes of 2 GiB and more, which an integer of PostgreSQL cannot hold"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    _sizes_are(sa.BigInteger())


def downgrade() -> None:
    _sizes_are(sa.Integer())


def _sizes_are(type_: sa.types.TypeEngine[int]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in ("instances", "quarantine"):
            op.alter_column(table, "size", type_=type_)
