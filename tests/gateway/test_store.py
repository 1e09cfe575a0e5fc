"""STOW-RS over real HTTP, as senders really send."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from dicomweb_client import DICOMwebClient
from fastapi import FastAPI
from pydicom import dcmread
from sqlalchemy import func, select

from adapters.errors import ArchiveUnavailable
from adapters.memory import MemoryArchive
from adapters.orthanc import OrthancArchive
from gateway import body
from gateway.ingest import Ingest
from gateway.problems import add_handlers
from gateway.routers import store
from gateway.settings import Settings
from gateway.store.tables import InstanceRow, QuarantineRow, StudyRow
from tests.instances import instance
from tests.orthanc_server import orthanc_url  # noqa: F401 (a fixture)
from tests.shared_data import shared_data

STUDY = "1.2.826.0.1"
MULTIPART = 'multipart/related; type="application/dicom"; boundary=BB'


class MoodyArchive(MemoryArchive):
    """An archive that can be away."""

    away = False

    def store(self, content):
        if self.away:
            raise ArchiveUnavailable("memory", "away for the test")
        return super().store(content)


class Gateway:
    def __init__(self, database, archive, folder, **limits) -> None:
        self.database, self.archive = database, archive
        self.settings = Settings(data=folder, **limits)
        self.arrivals: list[set[str]] = []
        self.ingest = Ingest(
            database, archive, self.settings, lambda _, studies, __: self.arrivals.append(studies)
        )
        self.app = FastAPI()
        self.app.state.services = SimpleNamespace(settings=self.settings, ingest=self.ingest)
        add_handlers(self.app)
        self.app.include_router(store.router)
        self.root = ""

    def post(self, content, content_type=MULTIPART, path="/studies", **headers) -> httpx.Response:
        return httpx.post(
            f"{self.root}/dicom-web{path}",
            content=content,
            headers={"Content-Type": content_type, **headers},
            timeout=60,
        )

    def count(self, table=InstanceRow) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0


@contextmanager
def serving(gateway: Gateway) -> Iterator[Gateway]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(gateway.app, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        gateway.root = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield gateway
        finally:
            server.should_exit = True
            thread.join()
            gateway.ingest.close()


@pytest.fixture
def gateway(sqlite, tmp_path):
    with serving(Gateway(sqlite, MoodyArchive(), tmp_path)) as gateway:
        yield gateway


def multipart(*contents: bytes, boundary: str = "BB", preamble: bytes = b"") -> bytes:
    parts = b"".join(
        f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode() + content + b"\r\n"
        for content in contents
    )
    return preamble + parts + f"--{boundary}--\r\n".encode()


def reasons(reply: httpx.Response, sequence: str) -> list[int]:
    items = reply.json().get(sequence, {}).get("Value", [])
    return [item["00081197"]["Value"][0] for item in items]


def test_valid_instances_are_all_referenced_with_their_urls(gateway):
    reply = gateway.post(multipart(instance(1), instance(2)))
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/dicom+json"
    answer = reply.json()
    assert set(answer) == {"00081190", "00081199"}
    studies = f"{gateway.root}/dicom-web/studies"
    assert answer["00081190"]["Value"] == [f"{studies}/{STUDY}"]
    urls = [item["00081190"]["Value"][0] for item in answer["00081199"]["Value"]]
    assert urls[1] == f"{studies}/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.2"
    assert gateway.count() == 2
    assert gateway.arrivals == [{STUDY}]


def test_an_instance_that_does_not_match_its_class_fails_alone(gateway):
    reply = gateway.post(multipart(instance(1), instance(2, Rows=None)))
    assert reply.status_code == 202
    assert reasons(reply, "00081198") == [0xA900]
    assert len(reply.json()["00081199"]["Value"]) == 1
    assert "1 of 2 not stored" in reply.headers["warning"]
    assert reply.headers["warning"].startswith("299 ")
    assert gateway.count(QuarantineRow) == 1


def test_an_unparseable_part_fails_alone_and_is_named_among_other_failures(gateway):
    reply = gateway.post(multipart(instance(1), b"no DICOM"))
    assert reply.status_code == 202
    assert reasons(reply, "0008119A") == [0xC000]
    assert "00081198" not in reply.json()
    assert gateway.count() == 1


def test_nothing_but_garbage_is_a_bad_request_with_a_body(gateway):
    reply = gateway.post(multipart(b"no DICOM", b"neither"))
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/dicom+json"
    assert reasons(reply, "0008119A") == [0xC000, 0xC000]
    assert gateway.count(StudyRow) == 0


def test_another_study_than_the_path_names_is_a_conflict(gateway):
    reply = gateway.post(multipart(instance(1)), path="/studies/1.2.3")
    assert (reply.status_code, reasons(reply, "00081198")) == (409, [0x0110])
    assert "another study" in reply.headers["warning"]
    assert gateway.count() == 0
    assert gateway.post(multipart(instance(1)), path=f"/studies/{STUDY}").status_code == 200
    assert gateway.post(multipart(instance(1)), path="/studies/no-uid").status_code == 400


def test_an_unsupported_class_is_told_by_its_reason(gateway):
    reply = gateway.post(multipart(instance(1, SOPClassUID="1.2.3.4.5")))
    assert (reply.status_code, reasons(reply, "00081198")) == (409, [0x0122])


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "",
        'multipart/related; type="application/dicom+json"; boundary=BB',
        "multipart/form-data; boundary=BB",
        "application/octet-stream",
    ],
)
def test_other_media_types_are_not_supported(gateway, content_type):
    reply = gateway.post(multipart(instance(1)), content_type)
    assert reply.status_code == 415
    assert "multipart/related" in reply.json()["detail"]


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_an_encoded_body_is_not_supported(gateway, encoding):
    reply = gateway.post(multipart(instance(1)), **{"Content-Encoding": encoding})
    assert reply.status_code == 415


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (multipart(instance(1)), 'multipart/related; type="application/dicom"'),
        (b"", MULTIPART),
        (b"--BB--\r\n", MULTIPART),
        (b"", "application/dicom"),
        (multipart(instance(1), instance(2))[:-9], MULTIPART),
        (multipart(instance(1), instance(2))[:-300], MULTIPART),
    ],
    ids=["no boundary", "empty", "no part", "empty single", "no last boundary", "cut"],
)
def test_a_malformed_body_is_a_bad_request_and_indexes_nothing(gateway, content, content_type):
    reply = gateway.post(content, content_type)
    assert reply.status_code == 400
    assert reply.json()["detail"]
    assert gateway.count() == 0
    assert gateway.arrivals == []


@pytest.mark.parametrize(
    ("content_type", "preamble"),
    [
        ("multipart/related; type=application/dicom; boundary=BB", b""),
        ('multipart/related; boundary="BB"; type="application/dicom"', b""),
        ('Multipart/Related; Boundary=BB; Type="APPLICATION/DICOM"', b""),
        (MULTIPART, b"\r\n"),
        (MULTIPART, b"a preamble\n"),
        (MULTIPART, b"a preamble\r\n\r\n"),
    ],
)
def test_every_legal_spelling_of_the_request_is_accepted(gateway, content_type, preamble):
    body = multipart(instance(1), preamble=preamble)
    assert gateway.post(body, content_type).status_code == 200


def test_a_single_instance_may_come_alone(gateway):
    assert gateway.post(instance(1), "application/dicom").status_code == 200
    assert gateway.count() == 1


def test_chunked_transfer_by_the_strict_client_stores(gateway):
    client = DICOMwebClient(f"{gateway.root}/dicom-web")
    datasets = [dcmread(BytesIO(instance(n))) for n in (1, 2, 3)]
    answer = client.store_instances(datasets)
    assert len(answer.ReferencedSOPSequence) == 3
    assert gateway.count() == 3


def test_a_body_in_dribbles_stores_as_well(gateway):
    whole = multipart(*(instance(n) for n in range(1, 30)))
    pieces = (whole[start : start + 777] for start in range(0, len(whole), 777))
    assert gateway.post(pieces).status_code == 200
    assert gateway.count() == 29


def test_the_same_instance_twice_is_stored_once(gateway):
    assert gateway.post(multipart(instance(1))).status_code == 200
    assert gateway.post(multipart(instance(1))).status_code == 200
    assert gateway.count() == 1
    assert len(gateway.arrivals) == 1


def test_other_content_under_a_known_uid_is_a_conflict(gateway):
    gateway.post(multipart(instance(1)))
    reply = gateway.post(multipart(instance(1, PixelData=b"\7\0" * 64)))
    assert (reply.status_code, reasons(reply, "00081198")) == (409, [0x0110])


def test_while_the_archive_is_away_the_sender_is_told_to_come_again(gateway):
    gateway.archive.away = True
    reply = gateway.post(multipart(instance(1), instance(2)))
    assert reply.status_code == 503
    assert int(reply.headers["retry-after"]) > 0
    assert reasons(reply, "00081198") == [0xA700, 0xA700]
    assert gateway.count() == 0
    gateway.archive.away = False
    assert gateway.post(multipart(instance(1), instance(2))).status_code == 200


def test_large_instances_pass_through_the_spool_and_leave_it_empty(gateway, monkeypatch):
    monkeypatch.setattr(body, "LARGEST_IN_MEMORY", 200)
    assert gateway.post(multipart(instance(1), instance(2), b"x" * 5000)).status_code == 202
    assert gateway.post(multipart(instance(3), instance(4))[:-400]).status_code == 400
    assert list(gateway.settings.spool.iterdir()) == []
    assert gateway.count() == 2


def test_a_spool_without_room_is_told(gateway, monkeypatch):
    monkeypatch.setattr(body, "LARGEST_IN_MEMORY", 200)
    gateway.settings.spool.write_text("a file in the way")
    reply = gateway.post(multipart(instance(1)))
    assert reply.status_code == 507
    assert "free space" in reply.json()["detail"]


def test_limits_of_parts_and_size_hold(sqlite, tmp_path):
    limits = {"maximum_parts": 2, "maximum_part_mb": 1}
    with serving(Gateway(sqlite, MoodyArchive(), tmp_path, **limits)) as gateway:
        assert gateway.post(multipart(*map(instance, (1, 2)))).status_code == 200
        assert gateway.post(multipart(*map(instance, (3, 4, 5)))).status_code == 413
        large = instance(6, Rows=1024, Columns=1024, PixelData=b"\1\2" * 2**20)
        assert gateway.post(multipart(large)).status_code == 413
        assert gateway.post(large, "application/dicom").status_code == 413
        assert gateway.count() == 2


def test_a_client_that_goes_away_leaves_nothing(gateway):
    host, port = gateway.root.removeprefix("http://").split(":")
    whole = multipart(instance(1), instance(2))
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Type: {MULTIPART}\r\n"
            f"Content-Length: {len(whole)}\r\n\r\n".encode()
        )
        connection.sendall(whole[:-200])
    assert gateway.post(multipart(instance(3))).status_code == 200
    assert gateway.count() == 1


def test_no_answer_tells_who_the_patient_is(gateway):
    gateway.post(multipart(instance(1)))
    for wrong in (instance(2, PatientID="P2"), instance(3, Rows=None), instance(1, StudyID="2")):
        reply = gateway.post(multipart(wrong))
        told = reply.text + json.dumps(dict(reply.headers))
        assert not any(secret in told for secret in ("Doe", "Jan", "P1", "P2"))


def test_the_whole_collection_of_broken_files_never_breaks_the_server(gateway):
    folder = shared_data("broken")
    statuses = {}
    for path in sorted(folder.glob("*.dcm")):
        reply = gateway.post(multipart(path.read_bytes()))
        assert reply.headers["content-type"] == "application/dicom+json", path.name
        statuses[path.name] = reply.status_code
    assert set(statuses.values()) <= {200, 400, 409}
    refused = {name for name, status in statuses.items() if status != 200}
    for name in (
        "made_zero_bytes",
        "made_text",
        "made_png",
        "made_header_cut",
        "made_pixels_cut",
        "made_no_sop_instance_uid",
        "made_no_study_uid",
        "made_empty_series_uid",
        "made_uid_bad_characters",
        "made_uid_too_long",
        "made_rows_too_large",
        "made_pixel_length_wrong",
        "made_pixel_length_huge",
        "made_frames_million",
        "made_says_jpeg_is_raw",
        "made_unknown_transfer_syntax",
        "made_unknown_sop_class",
        "made_other_patient_same_study",
        "made_sequence_never_closed",
        "made_nested_3000_deep",
        "made_deflate_bomb_256mib",
        "found_truncated_mr",
        "found_bulk_data_truncated",
    ):
        assert f"{name}.dcm" in refused
    sound = gateway.post(multipart(*(p.read_bytes() for p in folder.glob("made_series_ok/*.dcm"))))
    assert sound.status_code == 200


def test_a_real_study_lies_in_orthanc_byte_for_byte(sqlite, tmp_path, orthanc_url):  # noqa: F811
    folder = shared_data("ct_chest_lidc0001_part")
    contents = [path.read_bytes() for path in sorted(folder.glob("*.dcm"))]
    archive = OrthancArchive(orthanc_url)
    with serving(Gateway(sqlite, archive, tmp_path)) as gateway:
        assert gateway.post(multipart(*contents)).status_code == 200
        assert gateway.post(multipart(*contents)).status_code == 200
        assert gateway.count() == len(contents)
        with sqlite.read() as session:
            keys = session.scalars(select(InstanceRow.archive_key)).all()
    assert sorted(map(archive.read, keys)) == sorted(contents)
