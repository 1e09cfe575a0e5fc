"""Orthanc's log of changes as the real binary keeps it: what it tells, and what it never tells."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from adapters.errors import ArchiveUnavailable
from adapters.orthanc import OrthancArchive
from adapters.orthanc_changes import OrthancChanges
from adapters.orthanc_process import OrthancChild, child_url
from tests.instances import instance
from tests.orthanc_server import OrthancServer, needs_orthanc
from tests.postgresql import free_port


@pytest.fixture
def child(tmp_path):
    needs_orthanc()
    child = OrthancChild(tmp_path)
    child.start()
    yield child
    child.stop()


@pytest.fixture
def archive(child, tmp_path) -> OrthancArchive:
    return OrthancArchive(child_url(tmp_path))


def test_new_instances_are_told_in_order_and_from_where_one_left_off(archive):
    changes = OrthancChanges(archive)
    assert changes.since(0) == ([], 0, True)
    keys = [archive.store(instance(number)).key for number in (1, 2, 3)]

    told = changes.since(0)
    assert [new.key for new in told.instances] == keys
    assert told.done
    assert told.last == changes.counter() >= told.instances[-1].seq
    assert [new.key for new in changes.since(told.instances[0].seq).instances] == keys[1:]
    assert changes.since(told.last) == ([], told.last, True)
    assert changes.count() == 3


def test_a_deletion_is_not_told_and_the_counter_outlives_it_and_a_restart(archive, child):
    changes = OrthancChanges(archive)
    keys = [archive.store(instance(number)).key for number in (1, 2)]
    counter = changes.counter()
    archive.delete(keys[1])
    assert changes.since(counter).instances == []
    assert changes.count() == 1
    child.stop()
    child.start()
    assert changes.counter() == counter
    assert archive.ask("changes", since=0, limit=100)["Last"] < counter  # hence `counter`
    archive.store(instance(3))
    assert [new.seq > counter for new in changes.since(counter).instances] == [True]


def test_a_cleared_log_goes_on_counting(archive, tmp_path):
    changes = OrthancChanges(archive)
    archive.store(instance(1))
    counter = changes.counter()
    assert httpx.delete(f"{child_url(tmp_path)}/changes").status_code == 200
    assert changes.since(0) == ([], counter, True)
    key = archive.store(instance(2)).key
    assert [new.key for new in changes.since(counter).instances] == [key]


def test_a_long_log_comes_in_pieces(archive):
    changes = OrthancChanges(archive)
    keys = [archive.store(instance(number)).key for number in range(1, 1003)]
    first = changes.since(0)
    assert not first.done
    second = changes.since(first.last)
    assert [new.key for new in (*first.instances, *second.instances)] == keys


def test_the_studies_of_instances_and_the_instances_of_studies(archive):
    keys = [archive.store(instance(n, study="1.2.3", series=f"1.2.3.{n}")).key for n in (1, 2)]
    other = archive.store(instance(1, study="1.2.4")).key
    changes = OrthancChanges(archive)
    of = {held.key: held.series for held in archive.held([*keys, other])}
    studies = changes.studies([*keys, other, "-".join(["0" * 8] * 5)])
    assert studies[of[keys[0]]] == studies[of[keys[1]]] != studies[of[other]]
    members = changes.members(studies[of[other]])
    assert [held.key for held in members] == [other]
    assert {held.key for held in changes.members(studies[of[keys[0]]])} == set(keys)
    assert changes.members("-".join(["0" * 8] * 5)) == []


def test_who_sent_by_c_store_is_known(tmp_path):
    needs_orthanc()
    with OrthancServer(tmp_path / "other") as orthanc:
        (tmp_path / "one.dcm").write_bytes(instance(1))
        orthanc.storescu(tmp_path / "one.dcm", calling="SCANNER", called="PACS")
        archive = OrthancArchive(orthanc.url)
        archive.store(instance(2))
        keys = [key for page in archive.listing() for key in page]
        held = sorted(archive.held(keys), key=lambda one: one.service)
        assert [(h.service, h.calling_ae_title, h.called_ae_title) for h in held] == [
            ("", "", ""),
            ("C-STORE", "SCANNER", "PACS"),
        ]
        assert abs(archive.clock() - time.time()) < 2


def test_an_orthanc_that_is_too_old_is_told_so():
    """The questions asked here came with 1.10; what does not know them answers 404."""

    class Old(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Old) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        archive = OrthancArchive(f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(ArchiveUnavailable, match=r"Orthanc 1\.10 or newer"):
            archive.held(["-".join(["0" * 8] * 5)])
        server.shutdown()


def test_an_orthanc_that_is_away_is_unavailable():
    archive = OrthancArchive(f"http://127.0.0.1:{free_port()}")
    changes = OrthancChanges(archive)
    for ask in (
        lambda: changes.since(0),
        changes.count,
        archive.clock,
        lambda: list(archive.listing()),
        lambda: archive.held(["-".join(["0" * 8] * 5)]),
    ):
        with pytest.raises(ArchiveUnavailable):
            ask()
