"""What holds of the multipart parser whatever is fed to it, in whatever pieces."""

import time
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.dicomweb import MultipartWriter, Part
from standards.errors import LimitExceeded, MalformedMultipart
from standards.multipart import MultipartParser, PartBegin, PartData

TOKENS = (
    *(b"--B", b"\r\n--B", b"--B--", b"\r\n", b"\r", b"\n", b"\r\n\r\n", b"-", b"--", b"B"),
    *(b" ", b"\t", b"A: b", b":", b"x" * 40, b"\0", b"\xff", b"--BB", b"Content-Type: a/b"),
)
noise = st.lists(st.sampled_from(TOKENS), max_size=40).map(b"".join)
cuts = st.lists(st.integers(1, 30), min_size=1, max_size=10)


def pieces_of(body: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    position = turn = 0
    while position < len(body):
        yield body[position : position + sizes[turn % len(sizes)]]
        position, turn = position + sizes[turn % len(sizes)], turn + 1


def outcome(body: bytes, sizes: Sequence[int]) -> tuple[list[object], type[Exception] | None]:
    """Headers and content of each part, ended or not, and how it ended."""
    parser = MultipartParser("B", maximum_parts=6, maximum_part_size=1 << 20)
    found: list[object] = []
    try:
        for piece in pieces_of(body, sizes):
            for event in parser.feed(piece):
                if isinstance(event, PartData) and isinstance(found[-1], bytes):
                    found[-1] += event.data
                else:
                    found.append(event.data if isinstance(event, PartData) else event)
        parser.finish()
    except (MalformedMultipart, LimitExceeded) as error:
        return found, type(error)
    return found, None


@settings(max_examples=500, deadline=None)
@given(body=noise, sizes=cuts)
def test_any_pieces_give_the_same_events_and_the_same_end(body, sizes):
    assert outcome(body, sizes) == outcome(body, [max(len(body), 1)])


@settings(max_examples=300, deadline=None)
@given(body=st.one_of(noise, st.binary(max_size=500)), boundary=st.text(max_size=210), sizes=cuts)
def test_nothing_but_its_own_errors_comes_out(body, boundary, sizes):
    try:
        parser = MultipartParser(boundary, maximum_parts=3, maximum_part_size=50)
        for piece in pieces_of(body, sizes):
            list(parser.feed(piece))
        parser.finish()
    except (MalformedMultipart, LimitExceeded):
        return
    assert 0 <= parser.parts <= 3


@settings(max_examples=200, deadline=None)
@given(
    contents=st.lists(st.one_of(noise, st.binary(max_size=300)), min_size=1, max_size=5),
    locations=st.lists(st.sampled_from(["", 'http://x/y;z="a"']), min_size=5, max_size=5),
    sizes=cuts,
)
def test_what_the_writer_writes_is_read_again(contents, locations, sizes):
    writer = MultipartWriter("application/dicom")
    parts = [
        Part("application/dicom", [content], location)
        for content, location in zip(contents, locations, strict=False)
    ]
    parser = MultipartParser(writer.boundary, maximum_parts=5, maximum_part_size=1 << 20)
    read: list[tuple[str, bytes]] = []
    for piece in pieces_of(b"".join(writer.body(parts)), sizes):
        for event in parser.feed(piece):
            if isinstance(event, PartBegin):
                read.append((event.headers.get("content-location", ""), b""))
            elif isinstance(event, PartData):
                read[-1] = (read[-1][0], read[-1][1] + event.data)
    parser.finish()
    assert read == [(part.location, b"".join(part.content)) for part in parts]


HOSTILE = {
    "no boundary at all": b"x" * 1000,
    "almost boundaries": b"\r\n--" * 250,
    "boundary beginnings": b"\r\n--A" * 200,
    "line ends": b"\r\n" * 500,
    "carriage returns": b"\r" * 1000,
    "dashes": b"-" * 1000,
}
PART = b"--B\r\n\r\n"


def seconds(kind: str, times: int, piece: int) -> float:
    """Processor time to parse a part of `times` KB of it."""
    body = PART + HOSTILE[kind] * times
    parser = MultipartParser("B", maximum_parts=9, maximum_part_size=1 << 40)
    started = time.thread_time()
    for start in range(0, len(body), piece):
        for _ in parser.feed(body[start : start + piece]):
            pass
    return time.thread_time() - started


@pytest.mark.parametrize("piece", [7, 1 << 16, 1 << 30])
@pytest.mark.parametrize("kind", HOSTILE)
def test_the_time_grows_with_the_length_and_no_faster(kind, piece):
    small, factor = (100, 8) if piece < 1 << 16 else (4000, 8)
    shortest = min(seconds(kind, small, piece) for _ in range(3))
    longest = min(seconds(kind, small * factor, piece) for _ in range(3))
    assert longest < 4 * factor * max(shortest, 0.002)


def test_headers_that_come_byte_by_byte_take_no_long_time():
    body = b"--B\r\nA: " + b"y" * 16_000 + b"\r\n\r\nz\r\n--B--"
    started = time.thread_time()
    assert outcome(body, [1])[1] is None
    assert time.thread_time() - started < 2


def test_many_parts_in_one_piece_take_no_long_time():
    body = b"--B\r\n\r\nx\r\n" * 20_000 + b"--B--"
    parser = MultipartParser("B", maximum_parts=20_000, maximum_part_size=9)
    started = time.thread_time()
    assert sum(isinstance(event, PartBegin) for event in parser.feed(body)) == 20_000
    assert time.thread_time() - started < 3
