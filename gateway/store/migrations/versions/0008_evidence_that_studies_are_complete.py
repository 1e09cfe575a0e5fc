"""evidence that studies are complete"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    evidence_at = sa.Column("evidence_at", sa.Float(), server_default="0", nullable=False)
    op.add_column("studies", evidence_at)
    op.create_table(
        "associations",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("study_instance_uid", sa.Text(), primary_key=True, index=True),
        sa.Column("calling_ae_title", sa.Text(), nullable=False),
        sa.Column("called_ae_title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("beat_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
    )
    op.create_table(
        "expectations",
        sa.Column("study_instance_uid", sa.Text(), primary_key=True),
        sa.Column("announced_by", sa.Text(), primary_key=True, index=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("instances", sa.Integer(), nullable=True),
        sa.Column("sop_instance_uids", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.Float(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("expectations")
    op.drop_table("associations")
    op.drop_column("studies", "evidence_at")
