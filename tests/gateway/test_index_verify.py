"""Index and archive compared both ways and mended, on both databases, as an operator reads it."""

import json
import os
import time

import pytest
from sqlalchemy import delete, update

from adapters.folder import FolderArchive
from gateway import services
from gateway.commands.index import Lines, verify
from gateway.following.cursor import note_missing, standing
from gateway.following.verification import Kind, Order, Verification
from gateway.keeping import Part
from gateway.settings import Settings
from gateway.store.tables import (
    EventRow,
    InstanceRow,
    QuarantineRow,
    SeriesRow,
    StudyRow,
    StudyValueRow,
)
from tests.gateway.following.following_helper import Rows
from tests.instances import instance

LONG_AGO = time.time() - 3600


class House(Rows):
    """A gateway on a folder that others put files into."""

    def __init__(self, folder, database, url: str) -> None:
        super().__init__(database)
        self.settings = Settings(data=folder, archive="folder", database_url=url)
        self.archive = FolderArchive(folder / "archive")
        self.parts = services.build(self.settings, self.archive, database)

    def store(self, *contents: bytes) -> list[InstanceRow]:
        assert self.parts.ingest.receive([Part(c) for c in contents]).result.status == 200
        return self.rows(InstanceRow, InstanceRow.sop_instance_uid)

    def behind(self, content: bytes, came_at: float = LONG_AGO) -> str:
        key = self.archive.store(content).key
        os.utime(self.archive._path(key), (came_at, came_at))
        return key

    def verify(self, **how):
        order = Order(grace_seconds=0.1, **how)
        report = Verification(self.parts, Lines(), order).run()
        return report, {one.kind: (one.count, one.mended) for one in report.differences}


@pytest.fixture
def house(database, database_url, tmp_path):
    house = House(tmp_path, database, database_url)
    yield house
    house.parts.ingest.close()


def study_of(number: int) -> list[bytes]:
    return [instance(n, study=f"1.2.826.0.{number}") for n in (1, 2, 3)]


def printed(house, capsys, monkeypatch, *, as_json=False, **how) -> tuple[int, str]:
    """Exit status and output as on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    status = verify(house.settings, Order(grace_seconds=0.1, **how), as_json=as_json)
    return status, capsys.readouterr().out


def test_what_agrees_is_said_to(house, capsys, monkeypatch):
    house.store(*study_of(1))
    status, out = printed(house, capsys, monkeypatch, deep=True)
    assert status == 0
    assert "3 instances there, 3 in the index" in out
    assert out.rstrip().endswith("index and archive agree")
    assert max(map(len, out.splitlines())) <= 80


def test_what_is_archived_and_not_indexed_is_found_and_indexed(house):
    house.store(*study_of(1))
    keys = [house.behind(content) for content in study_of(2)]
    report, found = house.verify()
    assert found[Kind.NOT_INDEXED] == (3, 0)
    assert sorted(report.differences[0].examples) == sorted(keys)
    assert not report.agrees
    assert house.count(InstanceRow) == 3

    report, found = house.verify(repair=True)
    assert found[Kind.NOT_INDEXED] == (3, 3)
    assert report.agrees
    assert (report.held, report.indexed) == (6, 6)
    assert {row.state for row in house.rows(StudyRow)} == {"RECEIVING"}  # it came an hour ago
    assert house.verify()[0].agrees


def test_what_lies_there_long_is_indexed_without_work(house):
    house.behind(instance(1), came_at=time.time() - 25 * 3600)
    house.verify(repair=True)
    assert [row.state for row in house.rows(StudyRow)] == ["COMPLETE"]


def test_what_came_just_now_is_left_to_the_request_that_brought_it(house):
    house.behind(instance(1), came_at=time.time() + 60)
    report, found = house.verify(repair=True)
    assert found[Kind.NOT_INDEXED] == (0, 0)
    assert (report.under_way, report.agrees) == (1, True)


def test_what_is_indexed_and_lost_is_found_and_dropped_with_a_line_of_trace(house):
    rows = house.store(*study_of(1), *study_of(2))
    for row in rows[:4]:
        house.archive.delete(row.archive_key)
    report, found = house.verify()
    assert found[Kind.LOST] == (4, 0)
    assert house.count(InstanceRow) == 6

    report, found = house.verify(repair=True)
    assert found[Kind.LOST] == (4, 4)
    assert report.agrees
    (study,) = house.rows(StudyRow)
    assert (study.study_instance_uid, study.number_of_instances) == ("1.2.826.0.2", 2)
    assert house.count(SeriesRow) == 1
    lost = {e.study_instance_uid: json.loads(e.detail) for e in house.events("lost")}
    assert {uid: detail["instances"] for uid, detail in lost.items()} == {
        "1.2.826.0.1": 3,
        "1.2.826.0.2": 1,
    }


def test_the_wrong_archive_takes_nothing_out_of_the_index_unasked(house, capsys, monkeypatch):
    for row in house.store(*study_of(1)):
        house.archive.delete(row.archive_key)
    status, out = printed(house, capsys, monkeypatch, repair=True)
    assert status == 1
    assert "looks like another archive" in out
    assert "--drop-missing" in out
    assert house.count(InstanceRow) == 3

    status, out = printed(house, capsys, monkeypatch, repair=True, drop_missing=True)
    assert status == 0
    assert house.count(InstanceRow) == 0


def test_dropping_what_is_missing_ends_the_followers_doubt(house):
    rows = house.store(*study_of(1))
    house.archive.delete(rows[0].archive_key)
    with house.database.write() as session:
        note_missing(session, "folder", 1)
    assert house.verify(repair=True)[1][Kind.LOST] == (1, 0)
    assert house.verify(repair=True, drop_missing=True)[1][Kind.LOST] == (1, 1)
    with house.database.read() as session:
        assert standing(session, "folder").missing == 0


def test_changed_bytes_are_found_by_reading_them(house, capsys, monkeypatch):
    (row,) = house.store(instance(1))
    house.archive._path(row.archive_key).write_bytes(instance(1, PixelData=b"\7\0" * 64))
    assert house.verify()[0].agrees
    status, out = printed(house, capsys, monkeypatch, deep=True, repair=True)
    assert status == 1
    assert row.sop_instance_uid in out
    assert "restore these instances" in out
    assert house.count(InstanceRow) == 1  # no repair can know which content is right


def test_wrong_counts_and_search_values_are_made_anew(house):
    house.store(*study_of(1), *study_of(2), *study_of(3))
    with house.database.write() as session:
        session.execute(
            update(StudyRow)
            .where(StudyRow.study_instance_uid == "1.2.826.0.1")
            .values(number_of_instances=7)
        )
        session.execute(
            delete(StudyValueRow).where(StudyValueRow.study_instance_uid == "1.2.826.0.2")
        )
    report, found = house.verify()
    assert found[Kind.DERIVED] == (2, 0)
    assert report.differences[-1].examples == ["1.2.826.0.1", "1.2.826.0.2"]
    assert house.rows(StudyRow, StudyRow.study_instance_uid)[0].number_of_instances == 7
    assert house.verify(repair=True)[1][Kind.DERIVED] == (2, 2)
    assert house.rows(StudyRow, StudyRow.study_instance_uid)[0].number_of_instances == 3
    assert house.verify()[0].agrees


def test_rows_that_hold_nothing_are_removed(house):
    house.store(*study_of(1))
    with house.database.write() as session:
        empty = {"attributes": "{}", "created_at": 0}
        session.add(StudyRow(study_instance_uid="1.9", updated_at=0, **empty))
        session.flush()
        for study in ("1.9", "1.2.826.0.1"):
            uid = f"{study}.9"
            session.add(SeriesRow(series_instance_uid=uid, study_instance_uid=study, **empty))
    assert house.verify()[1][Kind.DERIVED] == (2, 0)
    assert house.count(SeriesRow) == 3
    house.verify(repair=True)
    assert [row.study_instance_uid for row in house.rows(StudyRow)] == ["1.2.826.0.1"]
    assert house.count(SeriesRow) == 1
    assert house.verify()[0].agrees


def test_what_cannot_be_indexed_is_accounted_for_by_its_reason(house, capsys, monkeypatch):
    house.store(*study_of(1))
    other = instance(9, study="1.2.826.0.1", PatientID="P2")
    key = house.behind(other)
    assert house.verify(repair=True)[0].agrees
    (aside,) = house.rows(QuarantineRow)
    assert aside.path == f"archive:{key}"
    status, out = printed(house, capsys, monkeypatch)
    assert status == 0
    assert "1 of them not indexed" in out

    for row in house.rows(InstanceRow):  # the other patient's study goes: nothing is in its way
        house.archive.delete(row.archive_key)
    house.verify(repair=True, drop_missing=True)
    assert [row.archive_key for row in house.rows(InstanceRow)] == [key]
    assert house.count(QuarantineRow) == 0


def test_a_lost_database_is_made_again_from_the_archive(house, tmp_path):
    house.store(*study_of(1), *study_of(2))
    with house.database.write() as session:
        for table in (InstanceRow, SeriesRow, StudyValueRow, StudyRow, EventRow):
            session.execute(delete(table))
    assert house.verify(repair=True)[1][Kind.NOT_INDEXED] == (6, 6)
    assert {row.number_of_instances for row in house.rows(StudyRow)} == {3}


def test_machines_read_json(house, capsys, monkeypatch):
    house.store(*study_of(1))
    key = house.behind(instance(1, study="1.2.826.0.5"))
    status, out = printed(house, capsys, monkeypatch, as_json=True)
    told = json.loads(out)
    assert (status, told["agrees"], told["held"], told["indexed"]) == (1, False, 4, 3)
    assert told["differences"][0] == {
        "kind": "not indexed",
        "count": 1,
        "mended": 0,
        "examples": [key],
    }


def test_an_archive_that_is_away_is_no_difference(database_url, tmp_path, capsys):
    settings = Settings(data=tmp_path, archive="http://127.0.0.1:9", database_url=database_url)
    assert verify(settings, Order()) == 2
    assert "is not available" in capsys.readouterr().err


def test_a_database_without_tables_is_said_to_be(tmp_path, capsys):
    settings = Settings(data=tmp_path, archive="folder")
    FolderArchive(tmp_path / "archive").store(b"x")
    assert verify(settings, Order()) == 2
    assert "start `airgate serve` once" in capsys.readouterr().err


def test_a_hundred_and_more_are_shown_by_a_few_examples(house, capsys, monkeypatch):
    for number in range(1, 121):
        house.behind(instance(number))
    status, out = printed(house, capsys, monkeypatch)
    assert status == 1
    assert "and 115 more" in out
    assert max(map(len, out.splitlines())) <= 80
