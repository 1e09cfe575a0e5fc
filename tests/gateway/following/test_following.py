"""What reaches a real Orthanc without the gateway is found by its log, and indexed as if sent."""

import json
import time
from io import BytesIO

from fastapi import FastAPI
from pydicom import dcmread
from starlette.testclient import TestClient

from adapters.orthanc_changes import OrthancChanges
from gateway.commands import doctor
from gateway.completion import Completion, QuietTime
from gateway.following.cursor import archive_name, note_missing
from gateway.keeping import Part
from gateway.metrics import exposition
from gateway.routers import quarantine
from gateway.store.tables import InstanceRow, QuarantineRow, SeriesRow, StudyRow
from standards.part10 import read_header
from tests.instances import instance


def test_what_was_posted_to_orthanc_is_indexed_as_if_it_had_been_stored(house):
    house.follow()
    contents = [instance(1), instance(2), instance(3, study="1.2.826.0.2")]
    house.behind(*contents)
    house.follow()

    assert house.uids == ["1.2.826.0.1.1.1", "1.2.826.0.1.1.2", "1.2.826.0.2.1.3"]
    studies = house.rows(StudyRow, StudyRow.study_instance_uid)
    assert [study.number_of_instances for study in studies] == [2, 1]
    assert all(study.state == "RECEIVING" and study.last_arrival_at for study in studies)
    outcome = house.parts.ingest.receive([Part(content) for content in contents])
    assert outcome.result.status == 200
    assert not outcome.new_studies  # the same rows as STOW-RS would have made, to the hash
    assert house.archive.read(house.rows(InstanceRow)[0].archive_key) in contents


def test_what_came_by_c_store_keeps_the_titles_of_its_sender(house, orthanc, tmp_path):
    house.follow()
    (tmp_path / "one.dcm").write_bytes(instance(1))
    orthanc.storescu(tmp_path / "one.dcm", calling="SCANNER", called="LUNG_CT")
    house.follower = house.new_follower(grace_seconds=3600)  # C-STORE is never a request of ours
    house.follow()

    (study,) = house.rows(StudyRow)
    assert (study.calling_ae_title, study.called_ae_title) == ("SCANNER", "LUNG_CT")
    (event,) = house.events("found")
    assert json.loads(event.detail) | {"seconds": 0} == {
        "seconds": 0,
        "instances": 1,
        "bytes": house.rows(InstanceRow)[0].size,
        "source": "C-STORE",
        "calling_ae_title": "SCANNER",
        "called_ae_title": "LUNG_CT",
    }


def test_the_study_completes_once_and_is_routed(house):
    house.follow()
    house.behind(instance(1), instance(2))
    house.follow()
    routed = []
    completion = Completion(
        house.database, QuietTime(0), lambda _s, study, _r: routed.append(study)
    )
    assert completion.sweep() == 1
    house.follow()
    assert completion.sweep() == 0
    assert [len(study.series[0].headers) for study in routed] == [2]


def test_what_the_gateway_stores_itself_is_left_to_it(house):
    house.follow()
    house.parts.ingest.receive([Part(instance(1)), Part(instance(2))])
    house.follow()
    assert len(house.events("received")) == 1
    assert house.events("found") == []


def test_a_request_under_way_is_not_disturbed(house):
    """Archived, not yet indexed: the follower waits as long as the study may still grow."""
    house.follower = house.new_follower(grace_seconds=60)
    house.follow()
    kept = house.parts.ingest.keep([Part(instance(1)), Part(instance(2))])
    house.follow()
    assert house.uids == []

    with house.database.write() as session:
        answers = house.parts.ingest.index(session, kept)
    assert [answer.new for answer in answers] == [True, True]
    house.follow()
    assert house.events("found") == []
    assert house.standing.last == OrthancChanges(house.archive).counter()


def test_until_it_is_indexed_the_cursor_stays_before_it(house):
    house.follower = house.new_follower(grace_seconds=60)
    house.follow()
    house.behind(instance(1))
    house.follow()
    before = house.standing

    house.follower = house.new_follower()  # as after a crash: another process goes on
    house.follow()
    assert house.uids == ["1.2.826.0.1.1.1"]
    assert house.standing.last > before.last


def test_another_patient_under_a_known_study_is_told_and_left_where_it_is(house):
    house.follow()
    house.parts.ingest.receive([Part(instance(1))])
    (key,) = house.behind(instance(2, PatientID="P2"))
    house.follow()

    assert house.uids == ["1.2.826.0.1.1.1"]
    (aside,) = house.rows(QuarantineRow)
    assert "another Patient ID" in aside.reason
    assert "P2" not in aside.reason
    assert aside.path == f"archive:{key}"
    assert aside.study_instance_uid == "1.2.826.0.1"
    assert house.archive.read(key) == instance(2, PatientID="P2")
    (event,) = house.events("refused")
    assert "another Patient ID" in event.detail
    house.follower = house.new_follower()
    house.follow()
    assert house.count(QuarantineRow) == 1  # told once
    assert len(house.events("refused")) == 1


def test_what_stow_would_refuse_is_refused_with_the_same_words(house):
    house.follow()
    unfit = instance(1, Rows=None)
    (refused,) = house.parts.ingest.receive([Part(unfit)]).result.failed
    house.behind(unfit)
    house.follow()
    assert house.uids == []
    assert [row.reason for row in house.rows(QuarantineRow)] == [refused.reason] * 2


def test_bytes_without_file_meta_information_are_not_indexed(house):
    """Orthanc takes them; whoever retrieved them as application/dicom would get no DICOM file."""
    house.follow()
    content = instance(1)
    house.behind(content[read_header(content).data_set_offset :])
    house.follow()
    assert house.uids == []
    (aside,) = house.rows(QuarantineRow)
    assert "lacks the File Meta Information" in aside.reason


def test_the_same_uid_under_two_patients_keeps_the_first(house):
    """Orthanc takes both: its key follows from the Patient ID too."""
    house.follow()
    house.behind(instance(1))
    house.follow()
    other = instance(1, study="1.2.826.0.1", PatientID="P2")
    house.behind(other)
    house.follow()
    (row,) = house.rows(InstanceRow)
    assert dcmread(BytesIO(house.archive.read(row.archive_key))).PatientID == "P1"
    assert house.count(QuarantineRow) == 1


def test_what_is_deleted_before_it_is_looked_at_is_no_trouble(house):
    house.follower = house.new_follower(grace_seconds=2)
    house.follow()
    keys = house.behind(instance(1), instance(2))
    house.follow()  # they wait
    house.archive.delete(keys[0])
    time.sleep(3.1)
    house.follow()
    assert house.uids == ["1.2.826.0.1.1.2"]
    assert house.count(SeriesRow) == 1


def test_a_file_that_no_one_can_read_holds_up_no_other(house, monkeypatch):
    house.follow()
    house.behind(instance(1), instance(2))
    read = house.archive.read
    broken = house.archive.held([])  # nothing yet

    def read_or_fail(key):
        content = read(key)
        if b"1.2.826.0.1.1.1\0" in content:
            broken.append(key)
            return b"\0" * 10
        return content

    monkeypatch.setattr(house.archive, "read", read_or_fail)
    house.follow()
    assert broken
    assert house.uids == ["1.2.826.0.1.1.2"]
    assert house.count(QuarantineRow) == 1


def test_a_large_file_passes_through_the_spool_and_leaves_nothing_there(house, monkeypatch):
    monkeypatch.setattr("gateway.following.judging.LARGEST_IN_MEMORY", 100)
    house.follow()
    house.behind(instance(1))
    house.follow()
    assert house.uids == ["1.2.826.0.1.1.1"]
    assert list(house.settings.spool.iterdir()) == []


def test_how_far_it_is_behind_is_seen_from_outside(house):
    def gauges() -> dict[str, float]:
        lines = exposition(house.parts).decode().splitlines()
        told = [line.split() for line in lines if line.startswith("airgate_archive")]
        return {name: float(number) for name, number in told}

    assert "airgate_archive_changes_behind" not in gauges()  # never followed yet
    house.follow()
    house.behind(instance(1), instance(2))
    assert gauges()["airgate_archive_changes_behind"] >= 2
    house.follow()
    assert gauges() == {
        "airgate_archive_changes_behind": 0,
        "airgate_archive_instances": 2,
        "airgate_archive_missing": 0,
    }
    finding = doctor._following(house.settings.model_copy(update={"database_url": house.url}))
    assert (finding.ok, finding.found) == (True, "0 change(s) behind, 2 instances in the archive")
    with house.database.write() as session:
        note_missing(session, archive_name(house.settings), 7)
    finding = doctor._following(house.settings.model_copy(update={"database_url": house.url}))
    assert finding.ok is False
    assert "7 missing" in finding.found


def test_what_was_refused_where_it_lies_can_be_read_through_the_gateway(house):
    house.follow()
    content = instance(1, Rows=None)
    house.behind(content)
    house.follow()
    app = FastAPI()
    app.state.services = house.parts
    app.include_router(quarantine.router)
    client = TestClient(app)
    (row,) = client.get("/api/v1/quarantine").json()
    assert client.get(f"/api/v1/quarantine/{row['id']}/bytes").content == content
