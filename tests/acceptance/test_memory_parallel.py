"""How much memory the processes that take instances in need: for large ones, for many at once."""

import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from tests.bench.data import Multipart
from tests.bench.huge import Growth
from tests.bench.sides import Side, stow
from tests.instances import instance
from tests.postgresql import free_port
from tests.serving import Gateway, wait_until
from tests.standards.test_part10 import element

pytestmark = pytest.mark.serve

MIB = 1 << 20
BOUND_MIB = 64
BUDGET_MIB = 32
LARGE_MIB = 300
PIECE = b"\1\2\3\4" * (MIB // 4)


@pytest.fixture(scope="module")
def dicom_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, dicom_port) -> Iterator[Gateway]:
    data = tmp_path_factory.mktemp("memory") / "data"
    settings = {
        "archive": "folder",
        "workers": "0",
        "dicom": f"AIRGATE@127.0.0.1:{dicom_port}",
        "upload_memory_mb": str(BUDGET_MIB),
    }
    with Gateway(data, **settings) as gateway:
        warm = data / "warm.dcm"
        warm.write_bytes(instance(1, study="1.2.826.0.90"))
        gateway.client.store([warm])
        yield gateway


@pytest.fixture
def side(gateway) -> Iterator[Side]:
    """The HTTP side; afterwards the spool is empty."""
    token = {"Authorization": f"Bearer {gateway.token}"}
    yield Side(f"{gateway.url}/dicom-web", gateway.pid, token)
    assert list((gateway.data / "spool").iterdir()) == []


def header(
    number: int, *, rows: int = 1024, frames: int = 1, syntax=ExplicitVRLittleEndian
) -> bytes:
    """A Part 10 file of 1024 columns in 8 bits up to its pixel data."""
    whole = instance(
        number,
        study="1.2.826.0.91",
        Rows=rows,
        Columns=1024,
        NumberOfFrames=frames,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
    )
    if syntax != ExplicitVRLittleEndian:
        whole = whole.replace(b"1.2.840.10008.1.2.1\0", syntax.encode().ljust(20, b"\0"))
    return whole[: whole.index(b"\xe0\x7f\x10\x00OW")]


def native(number: int, mib: int) -> Iterator[bytes]:
    yield header(number, frames=mib)
    yield element(0x7FE0, 0x0010, b"OB", b"", mib * MIB)
    for _ in range(mib):
        yield PIECE


def without_file_meta(number: int, mib: int) -> Iterator[bytes]:
    pieces = native(number, mib)
    head = next(pieces)
    yield head[head.index(b"\x08\x00\x05\x00CS") :]
    yield from pieces


def with_a_large_private_value(number: int, mib: int) -> Iterator[bytes]:
    head = header(number)
    at = head.index(b"\x10\x00\x10\x00PN")
    yield head[:at] + element(0x0009, 0x1001, b"OB", b"", mib * MIB)
    for _ in range(mib):
        yield PIECE
    yield head[at:]


def in_fragments(number: int, mib: int) -> Iterator[bytes]:
    fragment = b"\xfe\xff\x00\xe0" + (MIB // 16 - 8).to_bytes(4, "little") + PIECE[: MIB // 16 - 8]
    yield header(number, frames=mib * 16, rows=64, syntax=RLELossless)
    yield element(0x7FE0, 0x0010, b"OB", b"\xfe\xff\x00\xe0\0\0\0\0", 0xFFFFFFFF)
    for _ in range(mib):
        yield fragment * 16
    yield b"\xfe\xff\xdd\xe0\0\0\0\0"


KINDS = (native, without_file_meta, with_a_large_private_value, in_fragments)


def body(*kinds) -> Multipart:
    """kinds: functions that give the pieces of one instance, more than once."""
    return Multipart([(sum(map(len, kind())), kind) for kind in kinds])


@pytest.mark.parametrize("kind", KINDS)
def test_sc_16_a_large_instance_streams_through_little_memory(side, kind):
    """SC-16."""
    number = 100 + KINDS.index(kind)
    with side.connect() as connection, Growth(side.pid) as growth:
        stow(connection, body(lambda: kind(number, LARGE_MIB)))
    assert growth.mib < BOUND_MIB


def test_sc_12_a_large_instance_again_takes_little_memory_however_it_is_written(side):
    """SC-12."""

    def otherwise() -> Iterator[bytes]:
        """With an explicit group length."""
        pieces = native(100, LARGE_MIB)
        head = next(pieces)
        at = head.index(b"\x08\x00\x05\x00CS")
        yield head[:at] + b"\x08\x00\x00\x00UL\x04\x00\x64\x00\x00\x00" + head[at:]
        yield from pieces

    with side.connect() as connection, Growth(side.pid) as growth:
        stow(connection, body(lambda: native(100, LARGE_MIB)))
        stow(connection, body(otherwise))
    assert growth.mib < BOUND_MIB


def test_many_uploads_at_once_share_one_budget(side):
    """Eight clients with ten instances of 6 MiB each: 480 MiB, of which few wait in memory."""

    def upload(client: int) -> None:
        numbers = [1000 + 10 * client + n for n in range(10)]
        with side.connect() as connection:
            stow(connection, body(*(lambda n=n: native(n, 6) for n in numbers)))

    with Growth(side.pid) as growth, ThreadPoolExecutor(8) as clients:
        list(clients.map(upload, range(8)))
    assert growth.mib < BUDGET_MIB + BOUND_MIB


def test_four_associations_with_large_instances_take_little_memory(gateway, dicom_port, tmp_path):
    if shutil.which("storescu") is None:
        pytest.skip("DCMTK is not installed (apt-get install dcmtk)")
    files = [written(tmp_path / f"{n}.dcm", native(2000 + n, 120)) for n in range(4)]
    command = ["storescu", "-pdu", "131072", "127.0.0.1", str(dicom_port)]
    wait_until(
        lambda: not subprocess.run(["echoscu", *command[3:]], check=False).returncode,
        60,
        lambda: gateway.log,
    )
    (listener,) = gateway.children("gateway.cli dimse")
    with Growth(listener) as growth:
        senders = [subprocess.Popen([*command, str(file)]) for file in files]
        assert [sender.wait(120) for sender in senders] == [0] * 4
    assert growth.mib < BOUND_MIB
    assert list((gateway.data / "spool").iterdir()) == []


def written(path: Path, pieces: Iterator[bytes]) -> Path:
    with path.open("wb") as file:
        file.writelines(pieces)
    return path
