"""Keeping and indexing, on both databases and real bytes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import pytest
from pydicom import dcmread, dcmwrite
from sqlalchemy import func, select

from adapters.errors import ArchiveUnavailable
from adapters.memory import MemoryArchive
from gateway.ingest import Indexed, IndexUnavailable, Ingest, Kept, Part, Reception, Source
from gateway.settings import Settings
from gateway.store.tables import EventRow, InstanceRow, QuarantineRow, SeriesRow, StudyRow
from standards.store_response import FailureReason
from tests.gateway.house import Arrivals, housed
from tests.gateway.orthanclike import Orthanclike
from tests.instances import instance


@pytest.fixture
def house(database, tmp_path):
    with housed(database, MemoryArchive(), tmp_path) as house:
        yield house


def test_a_study_is_kept_indexed_and_noted(house):
    contents = [instance(n) for n in (1, 2, 3)] + [instance(1, series="1.2.826.0.1.9")]
    outcome = house.receive(*contents)
    assert outcome.result.status == 200
    assert house.arrivals.seen == [{"1.2.826.0.1"}]
    (study,) = house.rows(StudyRow)
    assert (study.patient_id, study.patient_name) == ("P1", "doe^jane")
    assert (study.study_date, study.accession_number, study.state) == (
        "20240102",
        "A1",
        "RECEIVING",
    )
    assert house.count(SeriesRow) == 2
    row = next(each for each in house.rows(InstanceRow) if each.instance_number == 2)
    assert house.archive.read(row.archive_key) == contents[1]
    assert (row.rows, row.number_of_frames, row.size) == (8, 1, len(contents[1]))
    (event,) = house.rows(EventRow)
    assert event.kind == "received"
    assert '"instances": 4' in event.detail


def test_the_same_instance_again_is_a_success_without_work(house):
    house.receive(instance(1))
    again = house.receive(instance(1), instance(1))
    assert again.result.status == 200
    assert not again.new_studies
    assert len(house.arrivals.seen) == 1
    assert house.count(InstanceRow) == 1


def test_the_same_instance_written_differently_is_still_the_same(house):
    house.receive(instance(1))
    rewritten = dcmread(BytesIO(instance(1)))
    rewritten.preamble = b"x" * 128
    rewritten.file_meta.SourceApplicationEntityTitle = "OTHER"
    other_meta = BytesIO()
    dcmwrite(other_meta, rewritten, enforce_file_format=True)
    assert house.receive(other_meta.getvalue()).result.status == 200

    rewritten.add_new(0x00080000, "UL", 100)  # a group length, as some senders add
    other_lengths = BytesIO()
    dcmwrite(other_lengths, rewritten, enforce_file_format=True)
    assert house.receive(other_lengths.getvalue()).result.status == 200
    assert house.count(InstanceRow) == 1
    assert len(house.arrivals.seen) == 1


def test_other_content_under_a_known_uid_is_refused_and_set_aside(house):
    house.receive(instance(1))
    changed = instance(1, PixelData=b"\7\0" * 64)
    outcome = house.receive(changed)
    (failed,) = outcome.result.failed
    assert (outcome.result.status, failed.failure_reason) == (409, 0x0110)
    (aside,) = house.rows(QuarantineRow)
    assert aside.sop_instance_uid == "1.2.826.0.1.1.1"
    with open(aside.path, "rb") as file:
        assert file.read() == changed
    assert house.archive.read(house.rows(InstanceRow)[0].archive_key) == instance(1)
    assert house.rows(EventRow)[-1].kind == "refused"


def test_two_contents_under_one_uid_in_one_request_keep_the_first(house):
    outcome = house.receive(instance(1), instance(1, StudyID="changed"))
    assert outcome.result.status == 202
    assert len(house.rows(QuarantineRow)) == 1
    assert house.count(InstanceRow) == 1


@pytest.mark.parametrize("known_before", [True, False])
def test_another_patient_under_a_known_study_is_refused_and_set_aside(house, known_before):
    other = instance(2, PatientID="P2")
    if known_before:
        house.receive(instance(1))
        outcome = house.receive(other)
    else:
        outcome = house.receive(instance(1), other)
    (failed,) = outcome.result.failed
    assert "another Patient ID" in failed.reason
    assert "P2" not in failed.reason
    (aside,) = house.rows(QuarantineRow)
    assert aside.study_instance_uid == "1.2.826.0.1"
    with open(aside.path, "rb") as file:
        assert file.read() == other
    assert house.archive.check() == "memory, 1 instances"
    assert house.count(InstanceRow) == 1


def test_a_series_of_another_study_is_refused_and_leaves_no_empty_study(house):
    house.receive(instance(1, series="1.9"))
    outcome = house.receive(instance(2, study="1.2.826.0.2", series="1.9"))
    assert "belongs to another study" in outcome.result.failed[0].reason
    assert [row.study_instance_uid for row in house.rows(StudyRow)] == ["1.2.826.0.1"]
    assert house.count(QuarantineRow) == 1


def test_a_request_that_names_a_study_takes_no_other(house):
    outcome = house.receive(instance(1), study_instance_uid="1.2.826.0.7")
    assert outcome.result.status == 409
    assert house.count(StudyRow) == 0
    assert house.archive.check() == "memory, 0 instances"


def test_concurrent_requests_for_one_study_all_succeed(house):
    contents = [instance(n) for n in range(1, 21)]
    with ThreadPoolExecutor(6) as threads:
        outcomes = list(
            threads.map(
                lambda shift: house.receive(*contents[shift:], *contents[:shift]), range(0, 18, 3)
            )
        )
    assert [outcome.result.status for outcome in outcomes] == [200] * 6
    assert house.count(InstanceRow) == 20
    assert sum(each.new for outcome in outcomes for each in outcome.indexed) == 20


def test_two_contents_for_one_uid_at_one_time_leave_exactly_the_acknowledged_one(house):
    rivals = [instance(1, StudyID=str(number)) for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(house.receive, rivals))
    (row,) = house.rows(InstanceRow)
    (winner,) = [n for n, outcome in enumerate(outcomes) if outcome.result.status == 200]
    assert house.archive.read(row.archive_key) == rivals[winner]


def test_bytes_that_a_crash_left_unindexed_give_way_to_what_is_sent(database, tmp_path):
    archive = Orthanclike()
    archive.store(instance(1, StudyID="left over"))
    ingest = Ingest(database, archive, Settings(data=tmp_path), Arrivals())
    assert ingest.receive([Part(instance(1))]).result.status == 200
    assert archive.read("1.2.826.0.1.1.1") == instance(1)
    ingest.close()


def test_while_the_archive_is_away_nothing_is_acknowledged(database, tmp_path):
    archive, arrivals = Orthanclike(), Arrivals()
    ingest = Ingest(database, archive, Settings(data=tmp_path), arrivals)
    archive.away = True
    outcome = ingest.receive([Part(instance(1)), Part(instance(2))])
    assert outcome.result.status == 503
    assert {f.failure_reason for f in outcome.result.failed} == {FailureReason.OUT_OF_RESOURCES}
    assert all(failed.sop_instance_uid for failed in outcome.result.failed)
    with pytest.raises(ArchiveUnavailable):
        ingest.keep([Part(instance(1))])
    archive.away = False
    assert ingest.receive([Part(instance(1)), Part(instance(2))]).result.status == 200
    assert len(arrivals.seen) == 1
    ingest.close()


def test_when_the_arrival_cannot_be_noted_nothing_is_indexed(database, tmp_path):
    def refuse(*_):
        raise RuntimeError("no")

    ingest = Ingest(database, MemoryArchive(), Settings(data=tmp_path), refuse)
    with pytest.raises(RuntimeError):
        ingest.receive([Part(instance(1))])
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(InstanceRow)) == 0
    ingest.close()


def test_a_database_that_went_away_is_said(sqlite, tmp_path):
    ingest = Ingest(sqlite, MemoryArchive(), Settings(data=tmp_path), Arrivals())
    with sqlite.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE studies RENAME TO elsewhere")
    with pytest.raises(IndexUnavailable, match="send again"):
        ingest.receive([Part(instance(1))])
    ingest.close()


def test_own_results_are_kept_and_indexed_in_the_callers_transaction(house):
    kept = house.ingest.keep([Part(instance(1)), Part(instance(2))])
    assert all(isinstance(each, Kept) for each in kept)
    with house.database.write() as session:
        house.ingest.index(session, kept, "2.25.1")
        session.rollback()  # as when the worker is killed here
    assert house.count(InstanceRow) == 0
    with house.database.write() as session:
        answers = house.ingest.index(session, kept, "2.25.1")
    assert [isinstance(each, Indexed) and each.new for each in answers] == [True, True]
    with house.database.write() as session:
        answers = house.ingest.index(session, house.ingest.keep([Part(instance(1))]), "2.25.1")
    assert [each.new for each in answers if isinstance(each, Indexed)] == [False]
    assert {row.created_by for row in house.rows(InstanceRow)} == {"2.25.1"}
    house.receive(instance(1))  # a PACS sends our own result back
    assert house.arrivals.seen == []


def test_a_reception_without_finish_leaves_no_row_and_no_file(house, tmp_path):
    spooled = tmp_path / "spooled.part"
    spooled.write_bytes(instance(1))
    with Reception(house.ingest, Source()) as reception:
        reception.add(Part(spooled, spooled=True))
        reception.add(Part(instance(1, Rows=None)))
    assert house.count(InstanceRow) == 0
    assert not spooled.exists()
    assert not list((tmp_path / "quarantine").glob("*"))


def test_titles_of_the_sender_are_kept(house):
    house.receive(instance(1), calling_ae_title="SCANNER", called_ae_title="LUNG_CT")
    house.receive(instance(2))
    (study,) = house.rows(StudyRow)
    assert (study.calling_ae_title, study.called_ae_title) == ("SCANNER", "LUNG_CT")


def test_a_size_beyond_two_gib_is_indexed(house):
    (kept,) = house.ingest.keep([Part(instance(1))])
    large = replace(kept, instance={**kept.instance, "size": 5 << 30})
    with house.database.write() as session:
        house.ingest.index(session, [large])
    assert house.rows(InstanceRow)[0].size == 5 << 30
