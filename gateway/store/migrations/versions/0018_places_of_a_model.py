"""places of a model, and who stands in line for one"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("workitems", sa.Column("concurrency", sa.Integer(), nullable=True))
    awaits = sa.Column("awaits_place", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("workitems", awaits)
    op.create_index(
        "workitem_that_awaits_place",
        "workitems",
        ["model_name", "model_version"],
        sqlite_where=sa.text("awaits_place = 1"),
        postgresql_where=sa.text("awaits_place"),
    )


def downgrade() -> None:
    op.drop_index("workitem_that_awaits_place", "workitems")
    op.drop_column("workitems", "awaits_place")
    op.drop_column("workitems", "concurrency")
