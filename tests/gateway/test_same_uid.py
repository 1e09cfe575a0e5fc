"""The same SOP Instance UID again: the same content, or another, by either policy (SC-12, 13)."""

from io import BytesIO

import pytest
from pydicom import dcmread, dcmwrite

from adapters.errors import ArchiveUnavailable
from adapters.folder import FolderArchive
from adapters.memory import MemoryArchive
from adapters.orthanc import OrthancArchive
from gateway.index import OTHER_CONTENT
from gateway.part import Part
from gateway.settling import ELSEWHERE, OWN_RESULT
from gateway.store.tables import InstanceRow, SeriesRow, StudyRow
from gateway.swapping import REPLACED
from tests.gateway.house import House, housed
from tests.gateway.orthanclike import Orthanclike
from tests.instances import instance
from tests.orthanc_server import orthanc_url  # noqa: F401 (a fixture)

STUDY = "1.2.826.0.1"
FIRST = instance(1)
SECOND = instance(1, PixelData=b"\7\0" * 64, StudyDescription="Thorax, corrected")


@pytest.fixture(params=["memory", "one content per instance", "folder"])
def archive(request, tmp_path):
    if request.param == "folder":
        return FolderArchive(tmp_path / "archive")
    return MemoryArchive() if request.param == "memory" else Orthanclike()


@pytest.fixture
def keeping_first(database, archive, tmp_path):
    with housed(database, archive, tmp_path) as house:
        yield house


@pytest.fixture
def replacing(database, archive, tmp_path):
    with housed(database, archive, tmp_path, same_uid="replace") as house:
        yield house


def written_otherwise(content: bytes) -> bytes:
    """The same instance with a group length, as some senders add."""
    dataset = dcmread(BytesIO(content))
    dataset.add_new(0x00080000, "UL", 100)
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize("policy", ["keep-first", "replace"])
@pytest.mark.parametrize("again", [FIRST, written_otherwise(FIRST)], ids=["bytes", "written"])
def test_sc_12_the_same_content_again_is_a_success_without_work(
    database, archive, tmp_path, policy, again
):
    """SC-12."""
    with housed(database, archive, tmp_path, same_uid=policy) as house:
        house.receive(FIRST)
        outcome = house.receive(again, again)
        assert outcome.result.status == 200
        assert len(outcome.result.stored) == 2
        assert not outcome.new_studies
        assert house.arrivals.seen == [{STUDY}]
        assert house.archived() == FIRST
        assert house.quarantined() == {}


def test_sc_13_keep_first_refuses_another_content_and_records_it(keeping_first: House):
    """SC-13."""
    keeping_first.receive(FIRST)
    outcome = keeping_first.receive(SECOND)
    (failed,) = outcome.result.failed
    assert (outcome.result.status, failed.failure_reason) == (409, 0x0110)
    assert keeping_first.archived() == FIRST
    assert keeping_first.quarantined() == {SECOND: OTHER_CONTENT}
    assert keeping_first.events("refused") == [
        {
            "instances": 1,
            "reason": OTHER_CONTENT,
            "failure": "processing_failure",
            "source": "STOW-RS",
        }
    ]
    assert keeping_first.arrivals.seen == [{STUDY}]


def test_sc_13_replace_puts_the_new_content_in_archive_and_index(replacing: House):
    """SC-13."""
    replacing.receive(FIRST)
    outcome = replacing.receive(SECOND)
    assert outcome.result.status == 200
    assert outcome.new_studies == {STUDY}
    assert replacing.archived() == SECOND
    (row,) = replacing.rows(InstanceRow)
    assert b"Thorax, corrected" in row.header
    assert replacing.rows(StudyRow)[0].study_description == "Thorax, corrected"
    assert replacing.rows(StudyRow)[0].number_of_instances == 1
    assert replacing.quarantined() == {FIRST: REPLACED}
    assert replacing.events("replaced") == [{"instances": 1, "source": "STOW-RS"}]
    assert replacing.events("received")[-1]["new"] == 0


def test_what_was_replaced_is_an_arrival_and_the_same_again_is_none(replacing: House):
    replacing.receive(FIRST)
    replacing.receive(SECOND)
    assert replacing.arrivals.seen == [{STUDY}, {STUDY}]
    replacing.receive(SECOND)
    assert replacing.arrivals.seen == [{STUDY}, {STUDY}]


def test_a_content_may_come_back(replacing: House):
    for content in (FIRST, SECOND, FIRST, SECOND):
        assert replacing.receive(content).result.status == 200
        assert replacing.archived() == content
    assert len(replacing.arrivals.seen) == 4
    assert set(replacing.quarantined()) == {FIRST, SECOND}


def test_nothing_of_a_replaced_content_stays_in_the_archive(replacing: House):
    replacing.receive(FIRST, instance(2))
    replacing.receive(SECOND)
    assert sum(len(page) for page in replacing.archive.listing()) == 2


def test_one_request_may_replace_some_and_bring_others(replacing: House):
    replacing.receive(FIRST, instance(2))
    outcome = replacing.receive(instance(3), SECOND, instance(2), b"no DICOM")
    assert outcome.result.status == 202
    assert [each.sop_instance_uid[-1] for each in outcome.result.stored] == ["3", "1", "2"]
    assert [each.new for each in outcome.indexed] == [True, True, False]


def test_two_contents_in_one_request_leave_one_of_them_and_no_loose_ends(replacing: House):
    outcome = replacing.receive(FIRST, SECOND)
    assert outcome.result.stored
    assert {replacing.archived(), *replacing.quarantined()} == {FIRST, SECOND}
    assert sum(len(page) for page in replacing.archive.listing()) == 1


def test_another_series_study_or_patient_replaces_nothing(replacing: House):
    replacing.receive(FIRST)
    moved = instance(1, SeriesInstanceUID=f"{STUDY}.2")
    other_study = instance(1, StudyInstanceUID="1.2.826.0.2", SeriesInstanceUID="1.2.826.0.2.1")
    other_patient = instance(1, PatientID="P2")
    reasons = [
        replacing.receive(content).result.failed[0].reason
        for content in (moved, other_study, other_patient)
    ]
    assert reasons[0] == ELSEWHERE
    assert reasons[1] in (ELSEWHERE, OTHER_CONTENT)  # by whether the archive told of it first
    assert "another Patient ID" in reasons[2]
    assert replacing.archived() == FIRST
    assert set(replacing.quarantined()) == {moved, other_study, other_patient}
    assert (replacing.count(StudyRow), replacing.count(SeriesRow)) == (1, 1)


def test_a_result_made_here_is_never_replaced(replacing: House):
    (kept,) = replacing.ingest.keep([Part(FIRST)])
    with replacing.database.write() as session:
        replacing.ingest.index(session, [kept], "2.25.1")
    assert replacing.receive(SECOND).result.failed[0].reason == OWN_RESULT
    assert replacing.archived() == FIRST


@pytest.mark.parametrize("policy", ["keep-first", "replace"])
def test_indexed_bytes_that_the_archive_lost_are_healed_by_the_next_send(
    database, archive, tmp_path, policy
):
    with housed(database, archive, tmp_path, same_uid=policy) as house:
        house.receive(FIRST)
        archive.delete(house.rows(InstanceRow)[0].archive_key)
        assert house.receive(FIRST).result.status == 200
        assert house.archived() == FIRST
        assert house.arrivals.seen == [{STUDY}]


def test_an_archive_that_fails_while_replacing_leaves_the_first(database, tmp_path):
    class Moody(Orthanclike):
        """Goes away with the first deletion, and comes back later."""

        moody = False

        def delete(self, key: str) -> None:
            if self.moody:
                self.moody, self.away = False, True
            super().delete(key)

    archive = Moody()
    with housed(database, archive, tmp_path, same_uid="replace") as house:
        house.receive(FIRST)
        archive.moody = True
        outcome = house.receive(SECOND)
        assert (outcome.result.status, outcome.result.failed[0].failure_reason) == (503, 0xA700)
        with pytest.raises(ArchiveUnavailable):
            archive.store(FIRST)
        archive.away = False
        house.ingest.swaps.recover()
        assert house.archived() == FIRST
        assert house.quarantined() == {}
        assert house.receive(SECOND).result.status == 200
        assert house.archived() == SECOND


@pytest.mark.parametrize("policy", ["keep-first", "replace"])
def test_sc_12_and_13_on_the_real_orthanc(database, tmp_path, orthanc_url, policy):  # noqa: F811
    """SC-12, SC-13."""
    study = f"1.2.826.0.77.{database.url.get_backend_name() == 'sqlite':d}{policy == 'replace':d}"
    first, second = (instance(1, study=study, StudyID=number) for number in ("1", "2"))
    archive = OrthancArchive(orthanc_url)
    with housed(database, archive, tmp_path, same_uid=policy) as house:
        assert house.receive(first).result.status == 200
        assert house.receive(first).result.status == 200
        assert house.arrivals.seen == [{study}]
        outcome = house.receive(second)
        if policy == "replace":
            assert outcome.result.status == 200
            assert (house.archived(), set(house.quarantined())) == (second, {first})
        else:
            assert outcome.result.status == 409
            assert (house.archived(), set(house.quarantined())) == (first, {second})
