"""What the worklist is searched by, and cancel requests

Workitems that exist were all made by the gateway itself: their columns follow from their data sets.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ORDER = ["scheduled_start", "sop_instance_uid"]
_INDEXES = {
    "workitem_order": _ORDER,
    "workitem_of_state": ["procedure_step_state", *_ORDER],
    "workitem_of_label": ["worklist_label", "procedure_step_state", *_ORDER],
}
_WORKITEM_CODES = "00404018"


def upgrade() -> None:
    key = {"server_default": "", "nullable": False}
    for column in (
        sa.Column("worklist_label", _KEY, **key),
        sa.Column("scheduled_start", _KEY, **key),
        sa.Column("claimed_outside", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("cancel_requested_at", sa.Double(), nullable=True),
        sa.Column("cancel_reason", sa.Text(), **key),
    ):
        op.add_column("workitems", column)
    op.create_table(
        "workitem_codes",
        sa.Column("attribute", _KEY, nullable=False),
        sa.Column("code_value", _KEY, nullable=False),
        sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sop_instance_uid"], ["workitems.sop_instance_uid"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("attribute", "code_value", "sop_instance_uid"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_workitem_codes_sop_instance_uid", "workitem_codes", ["sop_instance_uid"])
    _fill()
    for name, columns in _INDEXES.items():
        op.create_index(name, "workitems", columns)


def _fill() -> None:
    """From the data sets of this very form: dates are UTC, and written in full."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT sop_instance_uid, dataset FROM workitems")).all()
    for uid, dataset in rows:
        step = json.loads(dataset)
        label, start = (step[tag]["Value"][0] for tag in ("00741202", "00404005"))
        connection.execute(
            sa.text(
                "UPDATE workitems SET worklist_label = :label, scheduled_start = :start "
                "WHERE sop_instance_uid = :uid"
            ),
            {"uid": uid, "label": label, "start": start[:21]},
        )
        code = step[_WORKITEM_CODES]["Value"][0]["00080100"]["Value"][0]
        connection.execute(
            sa.text("INSERT INTO workitem_codes VALUES (:attribute, :code, :uid)"),
            {"attribute": _WORKITEM_CODES, "code": code, "uid": uid},
        )


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "workitems")
    op.drop_table("workitem_codes")
    for column in (
        "worklist_label",
        "scheduled_start",
        "claimed_outside",
        "cancel_requested_at",
        "cancel_reason",
    ):
        op.drop_column("workitems", column)
