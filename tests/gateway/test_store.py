"""STOW-RS over real HTTP, as senders really send."""

import json
import socket
from io import BytesIO

import httpx
import pytest
from dicomweb_client import DICOMwebClient
from pydicom import dcmread
from sqlalchemy import select

from adapters.orthanc import OrthancArchive
from gateway import body_spool
from gateway.store.tables import InstanceRow, QuarantineRow, StudyRow
from tests.gateway.store_helper import (
    MULTIPART,
    STUDY,
    Gateway,
    MoodyArchive,
    WholeGateway,
    multipart,
    reasons,
    serving,
)
from tests.instances import instance
from tests.orthanc_server import orthanc_url  # noqa: F401 (a fixture)
from tests.shared_data import shared_data


@pytest.fixture
def gateway(sqlite, tmp_path):
    with serving(Gateway(sqlite, MoodyArchive(), tmp_path)) as gateway:
        yield gateway


def test_valid_instances_are_all_referenced_with_their_urls(gateway):
    """SC-1, the answer; that the URLs give them back is proven by the whole application below."""
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


def test_what_an_answer_names_can_be_fetched_from_there(parts):
    """SC-1: two valid instances, 200, each RetrieveURL then answers 200 with what was sent."""
    contents = [instance(n) for n in (1, 2)]
    with serving(WholeGateway(parts)) as whole:
        authorised = {"Authorization": f"Bearer {whole.token}"}
        reply = whole.post(multipart(*contents), **authorised)
        assert reply.status_code == 200
        assert "00081198" not in reply.json()
        urls = [item["00081190"]["Value"][0] for item in reply.json()["00081199"]["Value"]]
        for url, content in zip(urls, contents, strict=True):
            found = httpx.get(url, headers={**authorised, "Accept": "application/dicom"})
            assert (found.status_code, found.content) == (200, content)


def test_an_instance_that_does_not_match_its_class_fails_alone(gateway):
    """SC-2: a Type 1 attribute is missing, FailureReason A900."""
    reply = gateway.post(multipart(instance(1), instance(2, Rows=None)))
    assert reply.status_code == 202
    assert reasons(reply, "00081198") == [0xA900]
    assert len(reply.json()["00081199"]["Value"]) == 1
    assert "1 of 2 not stored" in reply.headers["warning"]
    assert reply.headers["warning"].startswith("299 ")
    assert gateway.count(QuarantineRow) == 1


def test_an_unparseable_part_fails_alone_and_is_named_among_other_failures(gateway):
    """SC-3: Other Failures Sequence, status 202."""
    reply = gateway.post(multipart(instance(1), b"no DICOM"))
    assert reply.status_code == 202
    assert reasons(reply, "0008119A") == [0xC000]
    assert "00081198" not in reply.json()
    assert gateway.count() == 1


def test_nothing_but_garbage_is_a_bad_request_with_a_body(gateway):
    """SC-4."""
    reply = gateway.post(multipart(b"no DICOM", b"neither"))
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/dicom+json"
    assert reasons(reply, "0008119A") == [0xC000, 0xC000]
    assert gateway.count(StudyRow) == 0


def test_another_study_than_the_path_names_is_a_conflict(gateway):
    """SC-5."""
    reply = gateway.post(multipart(instance(1)), path="/studies/1.2.3")
    assert (reply.status_code, reasons(reply, "00081198")) == (409, [0x0110])
    assert "another study" in reply.headers["warning"]
    assert gateway.count() == 0
    assert gateway.post(multipart(instance(1)), path=f"/studies/{STUDY}").status_code == 200
    assert gateway.post(multipart(instance(1)), path="/studies/no-uid").status_code == 400


def test_an_unsupported_class_is_told_by_its_reason(gateway):
    """SC-6: FailureReason 290."""
    reply = gateway.post(multipart(instance(1, SOPClassUID="1.2.3.4.5")))
    assert (reply.status_code, reasons(reply, "00081198")) == (409, [0x0122])


def test_an_unsupported_transfer_syntax_is_told_by_its_reason(gateway):
    """SC-7: FailureReason 49442."""
    image = dcmread(BytesIO(instance(1)))
    written = BytesIO()
    image.save_as(written)
    known, unknown = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0"
    reply = gateway.post(multipart(written.getvalue().replace(known, unknown, 1)))
    assert (reply.status_code, reasons(reply, "00081198")) == (409, [49442])
    assert gateway.count() == 0


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "",
        "application/dicom+json",
        "application/dicom+xml",
        "multipart/form-data; boundary=BB",
        "application/octet-stream",
    ],
)
def test_other_media_types_are_not_supported(gateway, content_type):
    """SC-8: 415, with what could be sent."""
    reply = gateway.post(multipart(instance(1)), content_type)
    assert reply.status_code == 415
    assert "multipart/related" in reply.json()["detail"]


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
    """SC-8: a missing boundary is 400, and so is all else that is no multipart."""
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
    """SC-9: quoted or not, in any order and case, after a preamble of CRLF or LF lines."""
    body = multipart(instance(1), preamble=preamble)
    assert gateway.post(body, content_type).status_code == 200


def test_a_single_instance_may_come_alone(gateway):
    assert gateway.post(instance(1), "application/dicom").status_code == 200
    assert gateway.count() == 1


def test_chunked_transfer_by_the_strict_client_stores(gateway):
    """SC-10: dicomweb-client sends no Content-Length."""
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
    monkeypatch.setattr(body_spool, "LARGEST_IN_MEMORY", 200)
    assert gateway.post(multipart(instance(1), instance(2), b"x" * 5000)).status_code == 202
    assert gateway.post(multipart(instance(3), instance(4))[:-400]).status_code == 400
    assert list(gateway.settings.spool.iterdir()) == []
    assert gateway.count() == 2


def test_a_spool_without_room_is_told(gateway, monkeypatch):
    monkeypatch.setattr(body_spool, "LARGEST_IN_MEMORY", 200)
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
