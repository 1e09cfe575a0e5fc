"""Versions of the rule set, where a study was sent from, and several inputs for one workitem"""

import json
import time

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column(
        "studies", sa.Column("source_address", sa.Text(), server_default="", nullable=False)
    )
    op.add_column("workitems", sa.Column("inputs", sa.Text(), server_default="{}", nullable=False))
    op.create_table(
        "rule_versions",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("from_file", sa.Text(), server_default="[]", nullable=False),
        sa.Column("file_sha256", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    _take_over()
    op.drop_table("rules")


def _take_over() -> None:
    connection = op.get_bind()
    rows = connection.execute(
        sa.text("SELECT name, body, origin FROM rules ORDER BY position, name")
    ).all()
    if rows:
        connection.execute(
            sa.text(
                "INSERT INTO rule_versions (number, at, changed_by, change, rules, from_file) "
                "VALUES (1, :at, 'administrator', 'taken over', :rules, :from_file)"
            ),
            {
                "at": time.time(),
                "rules": json.dumps([json.loads(row.body) for row in rows]),
                "from_file": json.dumps([row.name for row in rows if row.origin == "file"]),
            },
        )


def downgrade() -> None:
    op.create_table(
        "rules",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.drop_table("rule_versions")
    op.drop_column("workitems", "inputs")
    op.drop_column("studies", "source_address")
