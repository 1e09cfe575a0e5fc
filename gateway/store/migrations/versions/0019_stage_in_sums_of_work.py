"""stage in the sums of work"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

FAMILIES = ("airgate_ended_workitems", "airgate_wait_seconds", "airgate_work_seconds")
PLACE = 2  # behind model and rule
SUMS = sa.table("metric_sums", sa.column("family", sa.Text()), sa.column("labels", sa.Text()))


def upgrade() -> None:
    """Only batches ran apart until now, and not all of them: of theirs the stage is not known."""
    for family, labels in _rows():
        stage = {"other": "other", "(batch)": ""}.get(labels[PLACE - 1], "live")
        _write(family, labels, [*labels[:PLACE], stage, *labels[PLACE:]])


def downgrade() -> None:
    """Sums of other than live work go: without their stage they would be taken for clinical."""
    for family, labels in _rows():
        if labels[PLACE] not in ("live", "other"):
            op.execute(_same(sa.delete(SUMS), family, labels))
        else:
            _write(family, labels, [*labels[:PLACE], *labels[PLACE + 1 :]])


def _rows() -> list[tuple[str, list[str]]]:
    query = sa.select(SUMS.c.family, SUMS.c.labels).where(SUMS.c.family.in_(FAMILIES))
    return [(family, json.loads(labels)) for family, labels in op.get_bind().execute(query)]


def _write(family: str, before: list[str], after: list[str]) -> None:
    op.execute(_same(sa.update(SUMS), family, before).values(labels=json.dumps(after)))


def _same(statement, family: str, labels: list[str]):
    return statement.where(SUMS.c.family == family, SUMS.c.labels == json.dumps(labels))
