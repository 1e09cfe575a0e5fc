"""use of models"""

from alembic import op

revision = "0023"
down_revision = "0022"

_COUNTED = ["model_name", "model_version", "ended_at", "stage", "rule", "outcome"]


def upgrade() -> None:
    op.create_index("workitem_of_version", "workitems", _COUNTED)


def downgrade() -> None:
    op.drop_index("workitem_of_version", "workitems")
