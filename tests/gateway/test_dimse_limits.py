"""What a DIMSE peer may send without taking memory or disk that others need (SC-12, SC-13)."""

import os
import socket
import struct
import tempfile
import time
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread

from gateway.store.tables import InstanceRow, QuarantineRow
from tests.bench.huge import Growth
from tests.gateway.dimse_helper import Listening, serving
from tests.instances import instance
from tests.orthanc_server import until

LARGE = instance(1, Rows=1024, Columns=1024, PixelData=b"\1\2" * (1 << 20))


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """The temporary folder of this process, as TMPDIR says it for the listener's own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def listening(sqlite, tmp_path, temporary):
    with serving(Listening(sqlite, tmp_path, maximum_part_mb=1)) as listening:
        yield listening


def test_an_instance_leaves_no_file_behind_once_it_is_answered(listening, temporary):
    assert listening.send(dcmread(BytesIO(instance(1)))) == 0
    assert listening.send(dcmread(BytesIO(instance(2, Rows=None)))) == 0xA900
    assert list(temporary.iterdir()) == []


def test_a_larger_instance_than_is_taken_ends_the_association_and_leaves_nothing(
    listening, temporary
):
    assert listening.send(dcmread(BytesIO(LARGE))) == -1
    until(lambda: not list(temporary.iterdir()))
    assert listening.rows(InstanceRow) == []
    assert listening.send(dcmread(BytesIO(instance(2)))) == 0


def test_an_association_that_breaks_off_within_an_instance_leaves_nothing(listening, temporary):
    with socket.create_connection(("127.0.0.1", listening.port)) as wire:
        wire.sendall(association_request())
        assert wire.recv(1) == b"\2"  # accepted
        wire.sendall(p_data(3, c_store_command()) + p_data(0, b"\x08\x00\x05\x00CS\n\0" * 500))
        until(lambda: bool(list(temporary.iterdir())))
    until(lambda: not list(temporary.iterdir()))
    assert listening.send(dcmread(BytesIO(instance(2)))) == 0


def test_a_pdu_of_absurd_length_is_not_waited_for(listening):
    with (
        Growth(os.getpid()) as growth,
        socket.create_connection(("127.0.0.1", listening.port), timeout=20) as wire,
    ):
        wire.sendall(b"\1\0" + struct.pack(">L", 0xFFFFFFF0) + bytes(1 << 20))
        try:
            while wire.recv(4096):
                time.sleep(0.01)
        except ConnectionResetError:
            pass
    assert growth.mib < 32
    assert listening.send(dcmread(BytesIO(instance(2)))) == 0


@pytest.mark.parametrize("policy", ["keep-first", "replace"])
def test_sc_13_another_content_gets_the_status_of_the_policy(sqlite, tmp_path, policy):
    """SC-13."""
    with serving(Listening(sqlite, tmp_path, same_uid=policy)) as listening:
        first, second = (dcmread(BytesIO(instance(1, StudyID=number))) for number in "12")
        assert listening.send(first) == 0
        assert listening.send(second) == (0 if policy == "replace" else 0x0110)
        (row,) = listening.rows(InstanceRow)
        (aside,) = listening.rows(QuarantineRow)
        archived = dcmread(BytesIO(listening.archive.read(row.archive_key)))
        kept, yielded = ("2", "1") if policy == "replace" else ("1", "2")
        assert (archived.StudyID, dcmread(aside.path).StudyID) == (kept, yielded)
        assert len(listening.arrivals) == (2 if policy == "replace" else 1)


def test_sc_12_the_same_content_again_is_a_success_without_work(listening):
    """SC-12."""
    for _ in range(2):
        assert listening.send(dcmread(BytesIO(instance(1)))) == 0
    assert len(listening.arrivals) == 1


def item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(content)) + content


def association_request() -> bytes:
    """A-ASSOCIATE-RQ for CT in Explicit VR Little Endian (PS3.8 9.3.2)."""
    context = b"\1\0\0\0" + item(0x30, b"1.2.840.10008.5.1.4.1.1.2")
    context += item(0x40, b"1.2.840.10008.1.2.1")
    items = item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, context)
    items += item(0x50, item(0x51, struct.pack(">L", 16384)) + item(0x52, b"1.2.3"))
    body = b"\0\1\0\0" + b"AIRGATE".ljust(16) + b"SCANNER".ljust(16) + bytes(32) + items
    return b"\1\0" + struct.pack(">L", len(body)) + body


def p_data(control: int, content: bytes) -> bytes:
    """One P-DATA-TF PDU; control: 3 is a whole command, 0 a piece of a data set (PS3.8 E.2)."""
    value = b"\1" + bytes([control]) + content
    return b"\4\0" + struct.pack(">L", len(value) + 4) + struct.pack(">L", len(value)) + value


def c_store_command() -> bytes:
    """C-STORE-RQ, PS3.7 9.3.1.1, Implicit VR Little Endian."""
    elements = [
        (0x0002, b"1.2.840.10008.5.1.4.1.1.2\0"),
        (0x0100, struct.pack("<H", 1)),
        (0x0110, struct.pack("<H", 1)),
        (0x0700, struct.pack("<H", 0)),
        (0x0800, struct.pack("<H", 1)),
        (0x1000, b"1.2.826.0.1.1.1\0"),
    ]
    written = b"".join(struct.pack("<HHL", 0, tag, len(v)) + v for tag, v in elements)
    return struct.pack("<HHLL", 0, 0, 4, len(written)) + written
