"""What searches find studies by: values, counts, indexes in the order of answers, parts of texts.

gateway/store/migrate.py fills the new columns and tables from what is indexed already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ORDER = ["study_date", "study_time", "study_instance_uid"]
_COUNT = {"server_default": "0", "nullable": False}
# Compared by code point from now on, which takes PostgreSQL no rewriting of the tables.
_KEYS = {
    "studies": (
        "study_instance_uid", "patient_id", "patient_name", "study_date", "study_time",
        "accession_number", "study_id", "study_description", "referring_physician_name",
    ),
    "series": ("series_instance_uid", "study_instance_uid", "modality", "series_description"),
    "instances": (
        "sop_instance_uid", "series_instance_uid", "study_instance_uid", "sop_class_uid",
        "transfer_syntax_uid",
    ),
}  # fmt: skip
_TEXTS = ("patient_name", "patient_id", "accession_number", "study_description")

# SQLite finds parts of texts through FTS5's trigrams. A study needs a number of its own for that:
# the rowid of a table with a text as primary key changes with VACUUM.
_SQLITE = (
    """
    CREATE TABLE study_numbers (number INTEGER PRIMARY KEY, study_instance_uid TEXT UNIQUE)
    """,
    """
    CREATE VIRTUAL TABLE study_texts USING fts5 (
        patient_name, patient_id, accession_number, study_description,
        content='', detail=column, tokenize='trigram case_sensitive 1'
    )
    """,
    """
    INSERT INTO study_numbers (study_instance_uid) SELECT study_instance_uid FROM studies
    """,
    """
    INSERT INTO study_texts (rowid, patient_name, patient_id, accession_number, study_description)
    SELECT number, patient_name, patient_id, accession_number, study_description
    FROM studies NATURAL JOIN study_numbers
    """,
    """
    CREATE TRIGGER study_texts_enter AFTER INSERT ON studies BEGIN
        INSERT INTO study_numbers (study_instance_uid) VALUES (new.study_instance_uid);
        INSERT INTO study_texts
            (rowid, patient_name, patient_id, accession_number, study_description)
        SELECT number,
            new.patient_name, new.patient_id, new.accession_number, new.study_description
        FROM study_numbers WHERE study_instance_uid = new.study_instance_uid;
    END
    """,
    """
    CREATE TRIGGER study_texts_change
    AFTER UPDATE OF patient_name, patient_id, accession_number, study_description ON studies
    WHEN old.patient_name <> new.patient_name
        OR old.patient_id <> new.patient_id
        OR old.accession_number <> new.accession_number
        OR old.study_description <> new.study_description
    BEGIN
        INSERT INTO study_texts
            (study_texts, rowid, patient_name, patient_id, accession_number, study_description)
        SELECT 'delete', number,
            old.patient_name, old.patient_id, old.accession_number, old.study_description
        FROM study_numbers WHERE study_instance_uid = old.study_instance_uid;
        INSERT INTO study_texts
            (rowid, patient_name, patient_id, accession_number, study_description)
        SELECT number,
            new.patient_name, new.patient_id, new.accession_number, new.study_description
        FROM study_numbers WHERE study_instance_uid = new.study_instance_uid;
    END
    """,
    """
    CREATE TRIGGER study_texts_remove AFTER DELETE ON studies BEGIN
        INSERT INTO study_texts
            (study_texts, rowid, patient_name, patient_id, accession_number, study_description)
        SELECT 'delete', number,
            old.patient_name, old.patient_id, old.accession_number, old.study_description
        FROM study_numbers WHERE study_instance_uid = old.study_instance_uid;
        DELETE FROM study_numbers WHERE study_instance_uid = old.study_instance_uid;
    END
    """,
)


def upgrade() -> None:
    op.create_table(
        "study_values",
        sa.Column("attribute", _KEY, primary_key=True),
        sa.Column("value", _KEY, primary_key=True),
        sa.Column("study_date", _KEY, primary_key=True),
        sa.Column("study_time", _KEY, primary_key=True),
        sa.Column(
            "study_instance_uid",
            _KEY,
            sa.ForeignKey("studies.study_instance_uid", ondelete="CASCADE"),
            primary_key=True,
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_study_values_study_instance_uid", "study_values", ["study_instance_uid"])
    op.add_column("series", sa.Column("number_of_instances", sa.Integer(), **_COUNT))
    op.add_column("studies", sa.Column("number_of_series", sa.Integer(), **_COUNT))
    op.add_column("studies", sa.Column("number_of_instances", sa.Integer(), **_COUNT))
    _change_indexes()
    if op.get_bind().dialect.name == "sqlite":
        for statement in _SQLITE:
            op.execute(statement)
    else:
        _find_parts_of_texts_in_postgresql()


def _change_indexes() -> None:
    for name in ("series_instance_uid", "sop_class_uid", "study_instance_uid"):
        op.drop_index(f"ix_instances_{name}", "instances")
    for name in ("modality", "study_instance_uid"):
        op.drop_index(f"ix_series_{name}", "series")
    for name in ("accession_number", "patient_id", "patient_name", "study_date"):
        op.drop_index(f"ix_studies_{name}", "studies")
    if op.get_bind().dialect.name == "postgresql":
        for table, names in _KEYS.items():
            changes = (f'ALTER COLUMN {name} TYPE text COLLATE "C"' for name in names)
            op.execute(f"ALTER TABLE {table} {', '.join(changes)}")
    instance = ["study_instance_uid", "series_instance_uid", "sop_class_uid"]
    op.create_index("instance_of_study", "instances", instance)
    op.create_index("study_order", "studies", _ORDER)
    op.create_index("study_of_patient", "studies", ["patient_id", *_ORDER])
    op.create_index("study_of_accession", "studies", ["accession_number", *_ORDER])
    op.create_index("study_of_id", "studies", ["study_id", *_ORDER])


def _find_parts_of_texts_in_postgresql() -> None:
    """Without pg_trgm, which a database's owner may make, such searches read all studies."""
    available = "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
    allowed = "SELECT has_database_privilege(current_database(), 'CREATE')"
    bind = op.get_bind()
    if not (bind.scalar(sa.text(available)) and bind.scalar(sa.text(allowed))):
        return
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for name in _TEXTS:
        op.create_index(
            f"study_texts_{name}",
            "studies",
            [name],
            postgresql_using="gin",
            postgresql_ops={name: "gin_trgm_ops"},
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("enter", "change", "remove"):
            op.execute(f"DROP TRIGGER study_texts_{name}")
        op.execute("DROP TABLE study_texts")
        op.execute("DROP TABLE study_numbers")
    else:
        for name in _TEXTS:
            op.execute(f"DROP INDEX IF EXISTS study_texts_{name}")
    for name in ("study_order", "study_of_patient", "study_of_accession", "study_of_id"):
        op.drop_index(name, "studies")
    op.drop_index("instance_of_study", "instances")
    for name in ("accession_number", "patient_id", "patient_name", "study_date"):
        op.create_index(f"ix_studies_{name}", "studies", [name])
    for name in ("modality", "study_instance_uid"):
        op.create_index(f"ix_series_{name}", "series", [name])
    for name in ("series_instance_uid", "sop_class_uid", "study_instance_uid"):
        op.create_index(f"ix_instances_{name}", "instances", [name])
    op.drop_column("studies", "number_of_instances")
    op.drop_column("studies", "number_of_series")
    op.drop_column("series", "number_of_instances")
    op.drop_table("study_values")
