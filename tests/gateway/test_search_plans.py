"""No search by an indexed key reads a whole table: the databases' own plans say so."""

import json
import re

import pytest
from sqlalchemy import event, text

from gateway.search.attributes import Level
from gateway.search.parameters import parse_search
from gateway.search.query_string import pairs
from gateway.search.run import run
from gateway.store.database import Database
from gateway.store.migrate import migrate
from tests.bench.archive_rows import RARE, Study
from tests.bench.search_growth import fill

STUDIES = 20_000
ONE = Study(12_345)
TABLES = ("studies", "series", "instances", "study_values", "study_texts_content")
_INSTANCES = """
    INSERT INTO instances (sop_instance_uid, series_instance_uid, study_instance_uid,
        sop_class_uid, transfer_syntax_uid, number_of_frames, header, archive_key, size, sha256,
        created_by, received_at)
    SELECT series_instance_uid || '.1', series_instance_uid, study_instance_uid,
        '1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.1.2.1', 1, CAST('{}' AS BYTEA), '', 1, '',
        '', 0.0
    FROM series
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def archive(request, tmp_path_factory):
    """A database of twenty thousand studies, three series each, one instance in each series."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path_factory.mktemp('plans') / 'index.db'}")
    else:
        database = Database(request.getfixturevalue("postgresql").new_database())
    migrate(database)
    fill(database, STUDIES)
    with database.write() as session:
        blob = "BLOB" if database.is_sqlite else "BYTEA"
        session.execute(text(_INSTANCES.replace("BYTEA", blob)))
    if not database.is_sqlite:
        with database.engine.connect().execution_options(
            isolation_level="AUTOCOMMIT"
        ) as connection:
            connection.execute(text("ANALYZE"))
    yield database
    database.close()


class Plans:
    """What a database says of each statement that it is asked meanwhile."""

    def __init__(self, database: Database) -> None:
        self._engine, self._is_sqlite = database._reader, database.is_sqlite
        self.told: list[str] = []

    def __enter__(self) -> "Plans":
        event.listen(self._engine, "before_cursor_execute", self._explain)
        return self

    def __exit__(self, *_) -> None:
        event.remove(self._engine, "before_cursor_execute", self._explain)

    def _explain(self, _connection, cursor, statement, parameters, *_) -> None:
        if not statement.lstrip().upper().startswith("SELECT"):
            return
        explain = "EXPLAIN QUERY PLAN " if self._is_sqlite else "EXPLAIN "
        with (
            cursor.connection.cursor()
            if not self._is_sqlite
            else _Closing(cursor.connection.cursor()) as other
        ):
            other.execute(explain + statement, parameters)
            self.told += [str(row[-1]).strip() for row in other.fetchall()]

    def whole_tables(self) -> list[str]:
        """The lines in which a table is read from its beginning to its end."""
        names = "|".join(TABLES)
        scan = rf"^SCAN ({names})\b" if self._is_sqlite else rf"Seq Scan on ({names})\b"
        return [line for line in self.told if re.search(scan, line)]


class _Closing:
    def __init__(self, cursor) -> None:
        self.cursor = cursor

    def __enter__(self):
        return self.cursor

    def __exit__(self, *_) -> None:
        self.cursor.close()


def searched(database: Database, level: Level, query: str) -> tuple[int, Plans]:
    with Plans(database) as plans:
        search = parse_search(level, {}, pairs(f"limit=101&{query}".encode()))
        found = run(search, database, "http://localhost", 60)
    return len(found.results), plans


STUDY_KEYS = [
    f"StudyInstanceUID={ONE.uid},1.2.3",
    f"PatientID={ONE.patient_id}",
    f"PatientID={ONE.patient_id[:9]}*",
    f"PatientID=*{ONE.patient_id[4:]}*",
    f"AccessionNumber={ONE.accession_number}",
    f"AccessionNumber=*{ONE.accession_number[4:]}*",
    f"StudyID=S{ONE.number}",
    f"StudyDate={ONE.study_date}",
    f"StudyDate=20250101-{ONE.study_date}",
    "StudyDate=20250101-",
    f"StudyDate={ONE.study_date}-{ONE.study_date}&StudyTime=0800-1200",
    f"StudyDate={ONE.study_date}&TimezoneOffsetFromUTC=%2B0900",
    "ModalitiesInStudy=CT",
    f"ModalitiesInStudy={RARE}",
    "ModalitiesInStudy=CT&StudyDate=20251201-20251210",
    "ModalitiesInStudy=N*",
    "SOPClassesInStudy=1.2.840.10008.5.1.4.1.1.12",
    f"PatientName={ONE.patient_name}",
    f"PatientName={ONE.family_name}*",
    f"PatientName=*{ONE.patient_name[1:]}*",
    f"PatientName={ONE.family_name}&fuzzymatching=true",
    f"ReferringPhysicianName={ONE.physician}",
    f"PatientBirthDate={ONE.birth_date}",
    f"StudyDescription=*{ONE.description}*&PatientSex=F",
]
SERIES_KEYS = [
    f"SeriesInstanceUID={ONE.uid}.1",
    f"Modality={RARE}",
    "Modality=SR",
    f"PerformedProcedureStepStartDate={ONE.study_date}",
    f"PatientID={ONE.patient_id}&SeriesNumber=2",
]
INSTANCE_KEYS = [
    f"SOPInstanceUID={ONE.uid}.1.1",
    "SOPClassUID=1.2.840.10008.5.1.4.1.1.12",
    f"StudyInstanceUID={ONE.uid}&Modality=SR",
    f"AccessionNumber={ONE.accession_number}&SOPClassUID=1.2.840.10008.5.1.4.1.1.2",
]


@pytest.mark.parametrize(
    ("level", "query"),
    [
        *((Level.STUDY, query) for query in STUDY_KEYS),
        *((Level.SERIES, query) for query in SERIES_KEYS),
        *((Level.INSTANCE, query) for query in INSTANCE_KEYS),
    ],
)
def test_a_search_by_a_key_reads_no_table_as_a_whole(archive, level, query):
    found, plans = searched(archive, level, query.replace("ü", "%C3%BC"))

    assert plans.told
    assert not plans.whole_tables(), "\n".join(plans.told)
    assert found or "SOPClass" in query  # there, the instances are all of one class


@pytest.mark.parametrize("level", list(Level))
def test_the_first_page_of_everything_is_read_in_its_order(archive, level):
    """No sorting of the archive, whatever the level: an index gives the newest studies first."""
    found, plans = searched(archive, level, "")

    told = "\n".join(plans.told)
    assert found == 101
    if archive.is_sqlite:
        assert "SCAN studies USING" in told
        assert "study_order" in told
        assert "USE TEMP B-TREE FOR ORDER BY" not in told
    else:
        assert "Index Scan Backward using study_order" in told or (
            "Index Only Scan Backward using study_order" in told
        )


def test_a_common_value_is_read_in_the_order_of_answers(archive):
    found, plans = searched(archive, Level.STUDY, "ModalitiesInStudy=CT")

    told = "\n".join(plans.told)
    assert found == 101
    assert "TEMP B-TREE" not in told
    assert "Sort" not in told


def test_what_an_index_cannot_tell_is_found_all_the_same(archive):
    search = parse_search(Level.STUDY, {}, pairs(b"StudyTime=1200-1201&PatientSex=F"))
    found = run(search, archive, "http://localhost", 60)

    assert found.results
    assert all(each["00100040"]["Value"] == ["F"] for each in found.results), json.dumps(
        found.results[0]
    )
