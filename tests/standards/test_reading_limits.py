"""How far the reader goes with bytes that anybody may have sent: memory, inflation, time."""

import struct
import time
import tracemalloc
import zlib
from contextlib import contextmanager
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from standards.dicom_json import header_attributes, header_json
from standards.errors import HeaderTooLarge, NotDicom
from standards.limits import SMALLEST_LEFT, Limits
from standards.part10 import read_header
from tests.shared_data import shared_data
from tests.standards.test_part10 import element, image, part10_file, written

ITEM = b"\xfe\xff\x00\xe0"
MEMORY = 8 << 20


def short(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", group, number, vr, len(value)) + value


HOSTILE = {
    "many elements": b"".join(
        short(0x0011 + 2 * group, number, b"LO", b"ab")
        for group in range(40)
        for number in range(0x1000, 0x1400)
    ),
    "the same element again and again": short(0x0010, 0x0010, b"PN", b"a^b ") * 200_000,
    "empty items": element(0x0040, 0x0275, b"SQ", (ITEM + b"\0\0\0\0") * 100_000),
    "numbers": b"".join(short(0x0011, 0x1000 + n, b"US", b"\xff\1" * 30_000) for n in range(50)),
    "names": b"".join(short(0x0011, 0x1000 + n, b"PN", b"a=b=c\\" * 9000) for n in range(20)),
    "empty fragments": element(0x0088, 0x0200, b"OB", b"", 0xFFFFFFFF)
    + (ITEM + b"\0\0\0\0") * 400_000,
    "a long text": element(0x0040, 0xA160, b"UT", b"x" * (20 << 20)),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_header_that_would_take_much_memory_is_refused_before_it_does(kind):
    content = part10_file(HOSTILE[kind])
    tracemalloc.start()
    started = time.perf_counter()
    try:
        with pytest.raises(HeaderTooLarge, match="more than 8 MiB"):
            header_attributes(read_header(content, Limits(memory=MEMORY)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * MEMORY
    assert time.perf_counter() - started < 10


def test_real_headers_stay_far_below_the_limit():
    for path in shared_data().rglob("*.dcm"):
        if "broken" not in path.parts:
            read_header(path.read_bytes(), Limits(memory=64 << 20))


@pytest.mark.parametrize("transfer_syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_large_binary_values_stay_where_they_lie(transfer_syntax):
    document = b"%PDF" * SMALLEST_LEFT
    ds = image(EncapsulatedDocument=document, IconImageSequence=[Dataset()])
    ds.IconImageSequence[0].PixelData = b"\7" * SMALLEST_LEFT
    ds.IconImageSequence[0]["PixelData"].VR = "OB"
    ds.private_block(0x0011, "SOMEBODY", create=True).add_new(1, "UN", b"\5" * SMALLEST_LEFT)
    content = written(ds, transfer_syntax)

    lean = read_header(content, Limits(leave_bulk=True))

    assert [len(left) for left in lean.left] == [SMALLEST_LEFT, 4 * SMALLEST_LEFT, SMALLEST_LEFT]
    second = lean.left[1]
    assert content[second.offset : second.offset + second.length] == document
    assert header_json(lean) == header_json(read_header(content))


@contextmanager
def counted(sizes: list[int], pieces):
    whole = b"".join(pieces)
    sizes.append(len(whole))
    yield whole


def test_a_deflated_data_set_may_lie_elsewhere_while_it_is_read():
    content = written(image(), DeflatedExplicitVRLittleEndian)
    sizes: list[int] = []
    header = read_header(content, None, lambda pieces: counted(sizes, pieces))
    assert header.dataset.Rows == 4
    assert header.pixel_data is not None
    assert sizes[0] > len(written(image())) - 600


def test_a_deflated_data_set_comes_in_pieces_and_stops_at_its_limit():
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = deflater.compress(b"\0" * (64 << 20)) + deflater.flush()
    seen: list[int] = []

    @contextmanager
    def weighed(pieces):
        for piece in pieces:
            seen.append(len(piece))
        yield b""

    with pytest.raises(NotDicom, match=f"more than {4 << 20} bytes"):
        read_header(
            part10_file(bomb, DeflatedExplicitVRLittleEndian), Limits(inflated=4 << 20), weighed
        )
    assert max(seen) <= 256 << 10
    assert sum(seen) <= 4 << 20


def test_what_inflates_to_several_pieces_is_whole():
    ds = image(Rows=512, Columns=512, PixelData=bytes(range(256)) * 2048)
    content = written(ds, DeflatedExplicitVRLittleEndian)
    header = read_header(content)
    assert header.pixel_data is not None
    assert header.pixel_data.length == 2048 * 256
    assert dcmread(BytesIO(content)).Rows == header.dataset.Rows
