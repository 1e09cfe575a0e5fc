"""tries of models"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_IS_TRY = sa.text("rule = '(try)'")


def upgrade() -> None:
    op.create_index(
        "workitem_that_is_a_try",
        "workitems",
        ["model_name", "model_version", "created_at"],
        sqlite_where=_IS_TRY,
        postgresql_where=_IS_TRY,
    )


def downgrade() -> None:
    op.drop_index("workitem_that_is_a_try", "workitems")
