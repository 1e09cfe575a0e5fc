"""The follower, requests and deletions at the same time: one row each, and none without bytes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.errors import ArchiveUnavailable
from gateway.commands.index import Lines
from gateway.deletion import delete_resource
from gateway.following import process
from gateway.following.leader import lead
from gateway.following.verification import Order, Verification
from gateway.keeping import Part
from gateway.retrieve.located import Scope
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, QuarantineRow, SeriesRow, StudyRow
from standards.store_response import FailureReason
from tests.gateway.following.following_helper import House, all_keys
from tests.instances import instance
from tests.orthanc_server import OrthancServer

SLICES = 40


def slices(study: str = "1.2.826.0.1", **changes) -> list[bytes]:
    return [instance(n, study=study, **changes) for n in range(1, SLICES + 1)]


def assert_true_index(house: House) -> None:
    """Every row has its bytes, whatever lies there is indexed or told, and the counts are right."""
    order = Order(deep=True, grace_seconds=0)
    report = Verification(house.parts, Lines(), order).run()
    assert report.agrees, report
    assert report.held == report.indexed + report.quarantined


def followed(house: House, stop: threading.Event) -> None:
    """One follower without grace, as if no request were ever under way: the worst case."""
    follower = house.new_follower()
    while not stop.is_set():
        follower.turn()
    for _ in range(3):
        follower.turn()


@pytest.mark.parametrize("followers", [1, 2])
def test_the_same_instances_by_stow_by_orthancs_rest_and_by_the_follower(house, followers):
    stop = threading.Event()
    with ThreadPoolExecutor(8) as threads:
        following = [threads.submit(followed, house, stop) for _ in range(followers)]
        behind = [threads.submit(house.behind, content) for content in slices()]
        stored = [
            threads.submit(house.parts.ingest.receive, [Part(c) for c in some])
            for some in (slices(), slices()[::-1], slices()[::2])
        ]
        assert [one.result().result.status for one in stored] == [200] * 3
        for one in behind:
            one.result()
        stop.set()
        for one in following:
            one.result()
    assert len(house.uids) == SLICES
    assert house.rows(StudyRow)[0].number_of_instances == SLICES
    assert house.count(QuarantineRow) == 0
    assert_true_index(house)


def test_two_contents_of_one_instance_from_two_sides_keep_exactly_one(house):
    """Orthanc keeps the first of them; the gateway never acknowledges one that is not there."""
    stop = threading.Event()
    with ThreadPoolExecutor(4) as threads:
        following = threads.submit(followed, house, stop)
        theirs = [threads.submit(house.behind, content) for content in slices()]
        ours = [
            threads.submit(house.parts.ingest.receive, [Part(content)])
            for content in slices(StudyID="changed")
        ]
        answers = [one.result().result for one in ours]
        for one in theirs:
            one.result()
        stop.set()
        following.result()
    by_uid = {row.sop_instance_uid: row for row in house.rows(InstanceRow)}
    assert len(by_uid) == SLICES
    for number, answer in enumerate(answers, start=1):
        row = by_uid[f"1.2.826.0.1.1.{number}"]
        content = house.archive.read(row.archive_key)
        assert content in (instance(number), instance(number, StudyID="changed"))
        assert (answer.status == 200) == (content == instance(number, StudyID="changed"))
    assert_true_index(house)


def test_two_patients_in_one_study_from_two_sides_leave_one_of_them_in_the_index(house):
    house.follow()
    stop = threading.Event()
    with ThreadPoolExecutor(4) as threads:
        following = threads.submit(followed, house, stop)
        theirs = [threads.submit(house.behind, content) for content in slices(PatientID="P2")]
        ours = threads.submit(house.parts.ingest.receive, [Part(c) for c in slices()])
        outcome = ours.result()
        for one in theirs:
            one.result()
        stop.set()
        following.result()
    (study,) = house.rows(StudyRow)
    assert study.number_of_instances == SLICES
    if study.patient_id == "P1":
        assert outcome.result.status == 200
        assert house.count(QuarantineRow) == SLICES
    else:
        assert {f.failure_reason for f in outcome.result.failed} == {
            FailureReason.PROCESSING_FAILURE
        }
        assert len(outcome.result.failed) == SLICES
    assert_true_index(house)


def test_what_is_deleted_here_is_not_found_again(house):
    house.parts.ingest.receive([Part(content) for content in slices()])
    stop = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        following = threads.submit(followed, house, stop)
        time.sleep(0.5)
        assert delete_resource(house.parts, Scope("1.2.826.0.1"), "tester")
        time.sleep(0.5)
        stop.set()
        following.result()
    assert (house.uids, house.count(StudyRow), house.count(SeriesRow)) == ([], 0, 0)
    assert all_keys(house.archive) == []
    assert house.events("found") == []
    assert house.events("lost") == []


def test_bytes_that_wait_for_their_deletion_are_not_found(house, monkeypatch):
    """The archive was away when they should go: they are on their way out, not new."""
    house.parts.ingest.receive([Part(instance(1))])
    house.follow()

    def away(_key):
        raise ArchiveUnavailable("somewhere", "gone for lunch")

    with monkeypatch.context() as patch:
        patch.setattr(house.archive, "delete", away)
        assert not delete_resource(house.parts, Scope("1.2.826.0.1"), "tester")
    house.follower = house.new_follower()
    house.follow()
    assert house.uids == []
    assert house.count(QuarantineRow) == 0


def test_one_process_leads_and_another_takes_over(database, database_url, tmp_path):
    other = Database(database_url)
    with lead(database, tmp_path, "orthanc") as first:
        assert first is not None
        assert first.is_held()
        with lead(other, tmp_path, "orthanc") as second:
            assert second is None
    with lead(other, tmp_path, "orthanc") as second:
        assert second is not None
        assert second.is_held()
        with lead(database, tmp_path, "orthanc") as first:
            assert first is None
    other.close()


def test_of_two_following_processes_one_works(house, database_url, orthanc, tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LEAD_SECONDS", 0.1)
    monkeypatch.setattr(process, "TURN_SECONDS", 0.05)
    settings = house.settings.model_copy(update={"database_url": database_url})
    ended = [threading.Event(), threading.Event()]
    threads = [threading.Thread(target=process.follow, args=(settings, one)) for one in ended]
    for thread in threads:
        thread.start()
    try:
        send(orthanc, tmp_path, 1)
        wait_for(lambda: len(house.uids) == 1, 40)
        ended[0].set()
        threads[0].join(10)
        send(orthanc, tmp_path, 2)
        wait_for(lambda: len(house.uids) == 2, 40)
    finally:
        for one in ended:
            one.set()
        for thread in threads:
            thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert len(house.events("found")) == 2


def send(orthanc: OrthancServer, folder: Path, number: int) -> None:
    """By C-STORE, since that is not waited for."""
    (folder / "one.dcm").write_bytes(instance(number))
    orthanc.storescu(folder / "one.dcm")


def wait_for(condition, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
