"""What searches find studies by stays right, whatever is stored, replaced or deleted."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from gateway.index import index, kept_instance
from gateway.search import derived
from gateway.store.database import Database
from gateway.store.migrate import migrate
from gateway.store.tables import InstanceRow, SeriesRow, StudyRow, StudyValueRow
from tests.gateway.downgrading import downgrade

CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4")


def kept(study: int, series: int, number: int, **more: object):
    """An instance of one of few studies and series, its modality that of the series."""
    header = {
        "00080016": {"vr": "UI", "Value": [CLASSES[series % 2]]},
        "00080018": {"vr": "UI", "Value": [f"1.{study}.{series}.{number}"]},
        "00080020": {"vr": "DA", "Value": [f"2024010{study}"]},
        "00080060": {"vr": "CS", "Value": [("CT", "MR")[series % 2]]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": f"Doe^Jane{study}"}]},
        "00100020": {"vr": "LO", "Value": [f"P{study}"]},
        "0020000D": {"vr": "UI", "Value": [f"1.{study}"]},
        "0020000E": {"vr": "UI", "Value": [f"1.{study}.{series}"]},
        **more,
    }
    content = {"sha256": f"{study}.{series}.{number}", "size": 1, "archive_key": "key"}
    return kept_instance(header, transfer_syntax_uid="1.2.840.10008.1.2.1", **content)


def state(database: Database) -> tuple:
    """Everything derived, in an order of its own."""
    with database.read() as session:
        columns = [c for c in StudyRow.__table__.columns if c.name not in ("updated_at",)]
        studies = session.execute(select(*columns).order_by(StudyRow.study_instance_uid)).all()
        series = session.execute(
            select(SeriesRow.series_instance_uid, SeriesRow.number_of_instances).order_by(
                SeriesRow.series_instance_uid
            )
        ).all()
        values = set(session.execute(select(*StudyValueRow.__table__.columns)).all())
    return studies, series, values


def refreshed(database: Database) -> tuple:
    with database.write() as session:
        derived.refresh_all(session)
    return state(database)


def counts(database: Database, uid: str) -> tuple[int, int]:
    with database.read() as session:
        row = session.get(StudyRow, uid)
        assert row is not None
        return row.number_of_series, row.number_of_instances


def values_of(database: Database, uid: str) -> set[tuple[str, str]]:
    with database.read() as session:
        of_study = StudyValueRow.study_instance_uid == uid
        found = session.execute(
            select(StudyValueRow.attribute, StudyValueRow.value).where(of_study)
        )
        return {(attribute, value) for attribute, value in found}


INSTANCE = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(st.lists(INSTANCE, min_size=1, max_size=6), max_size=5))
def test_adding_and_making_anew_come_to_the_same(database, batches):
    with database.write() as session:
        session.execute(delete(InstanceRow))
        session.execute(delete(SeriesRow))
        session.execute(delete(StudyRow))
    for batch in batches:
        with database.write() as session:
            index(session, [kept(*each) for each in batch])

    added = state(database)

    assert added == refreshed(database)
    assert sum(row.number_of_instances for row in added[0]) == len({i for b in batches for i in b})


def test_what_is_counted_and_found_after_storing(database):
    with database.write() as session:
        index(session, [kept(1, 1, 1), kept(1, 1, 2), kept(1, 2, 1)])

    assert counts(database, "1.1") == (2, 3)
    assert {value for tag, value in values_of(database, "1.1") if tag == "00080061"} == {"CT", "MR"}
    assert ("00100010", "doe^jane1") in values_of(database, "1.1")
    assert ("00080062", CLASSES[0]) in values_of(database, "1.1")


def test_after_a_deletion_refresh_makes_it_right(database):
    with database.write() as session:
        index(session, [kept(1, 1, 1), kept(1, 1, 2), kept(1, 2, 1)])
    with database.write() as session:
        session.execute(delete(SeriesRow).where(SeriesRow.series_instance_uid == "1.1.2"))
        derived.refresh(session, ["1.1", "1.99"])

    assert counts(database, "1.1") == (1, 2)
    assert ("00080061", "CT") not in values_of(database, "1.1")


def test_a_study_that_is_gone_is_found_by_nothing(database):
    with database.write() as session:
        index(session, [kept(1, 1, 1)])
    with database.write() as session:
        session.execute(delete(StudyRow))

    assert values_of(database, "1.1") == set()


def test_after_a_replacement_refresh_reads_the_new_attributes(database):
    with database.write() as session:
        index(session, [kept(1, 1, 1)])
    name = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Roe^Rick"}]}}
    with database.write() as session:
        session.execute(update(StudyRow).values(attributes=json.dumps(name)))
        derived.refresh(session, ["1.1"])

    with database.read() as session:
        row = session.get(StudyRow, "1.1")
        assert (row.patient_name, row.study_date) == ("roe^rick", "")
    assert ("00100010", "roe^rick") in values_of(database, "1.1")
    assert ("00100010", "doe^jane1") not in values_of(database, "1.1")


@pytest.mark.parametrize("value", ["x" * 70_000, "a\0b", "a\ud800b", "山" * 5000])
def test_values_that_no_index_can_hold_are_kept_all_the_same(database, value):
    texts = {tag: {"vr": "LO", "Value": [value]} for tag in ("00080050", "00081030", "00200010")}
    name = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": value}]}}
    with database.write() as session:
        index(session, [kept(1, 1, 1, **texts, **name, **{"00100020": texts["00200010"]})])
    with database.write() as session:
        (again,) = index(session, [kept(1, 1, 2, **{"00100020": texts["00200010"]})])

    assert counts(database, "1.1") == (1, 2)
    assert again.new


def test_an_older_database_is_filled_when_it_is_migrated(database):
    """As if everything had been indexed before there were counts and values."""
    with database.write() as session:
        index(session, [kept(1, 1, 1), kept(2, 2, 1)])
    expected = state(database)
    downgrade(database, "0002")

    migrate(database)

    assert state(database) == expected
