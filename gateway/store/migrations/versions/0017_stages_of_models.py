"""stages of models, in place of a switch"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_models = sa.table(
    "models",
    *(sa.column(name) for name in ("name", "version", "card", "enabled", "stage", "registered_at")),
)
_IS_LIVE = sa.text("stage = 'live'")


def upgrade() -> None:
    op.add_column("models", sa.Column("stage", sa.Text(), server_default="retired", nullable=False))
    _take_over_switches()
    op.drop_column("models", "enabled")
    op.create_index(
        "one_live_version",
        "models",
        ["name"],
        unique=True,
        sqlite_where=_IS_LIVE,
        postgresql_where=_IS_LIVE,
    )
    op.create_table(
        "model_stages",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("name", sa.Text(), nullable=False, index=True),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
    )


def _take_over_switches() -> None:
    """The newest enabled version of a model is what ran: it keeps the stage of its card.

    Of older ones none ran, so those that are live by their cards are retired.
    """
    connection = op.get_bind()
    enabled = sa.select(_models.c.name, _models.c.version, _models.c.card).where(
        _models.c.enabled.is_(sa.true())
    )
    seen = set()
    for name, version, card in connection.execute(enabled.order_by(_models.c.registered_at.desc())):
        stage = json.loads(card).get("stage", "live")
        if stage != "live" or name not in seen:
            _set_stage(name, version, stage)
        seen.add(name)


def _set_stage(name: str, version: str, stage: str) -> None:
    of_version = (_models.c.name == name) & (_models.c.version == version)
    op.execute(sa.update(_models).where(of_version).values(stage=stage))


def downgrade() -> None:
    op.drop_table("model_stages")
    op.drop_index("one_live_version", "models")
    op.add_column(
        "models", sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False)
    )
    op.execute(sa.update(_models).values(enabled=_models.c.stage != "retired"))
    op.drop_column("models", "stage")
