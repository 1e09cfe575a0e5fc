"""Frames are told apart whatever tables are there, wrong or missing; pydicom is the judge."""

import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames, itemize_fragment

from standards.elements import PixelData
from standards.frames import FramesUnclear, NativeFrames, encapsulated_frames
from standards.part10 import read_header
from tests.shared_data import SHARED_DATA, shared_data

END = b"\xfe\xff\xdd\xe0\0\0\0\0"
FRAMES = [bytes([number]) * (10 + 2 * number) + b"\xff\xd9" for number in range(5)]


def _items(*contents: bytes) -> bytes:
    return b"".join(itemize_fragment(each) for each in contents) + END


def _split(value: bytes, frames: int, header: Dataset | None = None) -> list[bytes]:
    """The frames, found in a buffer where other bytes go before."""
    before = b"\x77" * 33
    element = PixelData(0x7FE00010, "OB", 13, len(value), True)
    found = encapsulated_frames(before + value, 20, element, frames, header or Dataset())
    return [
        b"".join((before + value)[at : at + length] for at, length in found.spans(number))
        for number in range(1, found.found + 1)
    ]


def test_a_basic_offset_table_joins_the_fragments_of_each_frame():
    value = encapsulate(FRAMES, fragments_per_frame=3)

    assert _split(value + END, 5) == FRAMES


def test_an_extended_offset_table_also_takes_off_the_padding():
    odd = [frame + b"\x01" for frame in FRAMES]
    value, offsets, _ = encapsulate_extended(odd)
    lengths = struct.pack("<5Q", *map(len, odd))  # pydicom counts the padding in
    header = Dataset()
    header.ExtendedOffsetTable, header.ExtendedOffsetTableLengths = offsets, lengths

    assert _split(value + END, 5, header) == odd


@pytest.mark.parametrize(
    "table",
    [
        b"",
        bytes(4),
        bytes(20),
        struct.pack("<5I", 0, 20, 44, 70, 99),
        struct.pack("<5I", 0, 20, 20, 20, 20),
        struct.pack("<2I", 8, 20),
        b"\0\0\0",
    ],
    ids=["none", "first only", "zeros", "wrong", "repeated", "not from the start", "cut off"],
)
def test_without_a_good_table_one_fragment_is_one_frame(table):
    assert _split(_items(table, *FRAMES), 5) == FRAMES


def test_a_wrong_extended_table_is_passed_over():
    header = Dataset()
    header.ExtendedOffsetTable = struct.pack("<5Q", 0, 1, 2, 3, 4)
    header.ExtendedOffsetTableLengths = struct.pack("<5Q", *[10] * 5)

    assert _split(_items(b"", *FRAMES), 5, header) == FRAMES


def test_one_frame_has_all_fragments():
    assert _split(_items(b"", *FRAMES), 1) == [b"".join(FRAMES)]


def test_without_a_table_frames_end_where_their_code_streams_do():
    pieces = [FRAMES[3][:4], FRAMES[3][4:8], FRAMES[3][8:], FRAMES[4] + b"\0\0", FRAMES[0]]

    assert _split(_items(b"", *pieces), 3) == [FRAMES[3], FRAMES[4] + b"\0\0", FRAMES[0]]


def test_fewer_frames_than_promised_are_told_apart_by_their_table():
    value = encapsulate(FRAMES[:2])

    assert _split(value + END, 4) == FRAMES[:2]


@pytest.mark.parametrize(
    "contents", [[], [b""], [b"", b"ab", b"cd"]], ids=["nothing", "empty", "2"]
)
def test_what_nobody_can_tell_apart_is_said(contents):
    with pytest.raises(FramesUnclear, match=r"fragment\(s\) make 3 frame"):
        _split(_items(*contents), 3)


@given(st.binary(max_size=80), st.integers(1, 5))
def test_whatever_bytes_lie_there_frames_stay_within_them(value, frames):
    try:
        found = _split(value, frames)
    except FramesUnclear:
        return
    assert sum(map(len, found)) <= len(value)


def test_frames_of_single_bits_share_bytes():
    frames = NativeFrames(offset=100, length=22, bits=35)

    assert frames.found == 5
    assert [frames.spans(number)[0] for number in (1, 2, 5)] == [(100, 5), (104, 5), (117, 5)]
    assert [frames.first_bit(number) for number in (1, 2, 5)] == [0, 3, 4]


def _compressed() -> list[str]:
    found = (SHARED_DATA / folder for folder in ("transfer_syntaxes", "enhanced", "us", "other"))
    files = (path for folder in found for path in folder.rglob("*.dcm"))
    return sorted(str(path.relative_to(SHARED_DATA)) for path in files)


@pytest.mark.parametrize("name", _compressed() or ["transfer_syntaxes"])
def test_real_frames_are_those_that_pydicom_finds(name):
    content = shared_data(name).read_bytes()
    header = read_header(content)
    if header.pixel_data is None or not header.pixel_data.encapsulated:
        pytest.skip("not compressed")
    dataset = dcmread(BytesIO(content))
    count = int(dataset.get("NumberOfFrames") or 1)
    if "video" in dataset.file_meta.TransferSyntaxUID.name.lower() or "MPEG" in name:
        pytest.skip("a film is one code stream")
    expected = list(generate_frames(dataset.PixelData, number_of_frames=count))

    found = encapsulated_frames(
        content, header.data_set_offset, header.pixel_data, count, header.dataset
    )

    assert found.found == count
    for number in (1, count // 2 + 1, count):
        spans = found.spans(number)
        assert b"".join(content[at : at + n] for at, n in spans) == expected[number - 1]


def test_the_pixels_of_a_frame_are_its_own():
    pixels = np.arange(24, dtype=np.uint16)
    frames = NativeFrames(offset=0, length=48, bits=96)
    ((offset, length),) = frames.spans(3)

    assert pixels.tobytes()[offset : offset + length] == pixels[12:18].tobytes()
