"""The parser against bodies built byte by byte, whole and in pieces of every size."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.errors import LimitExceeded, MalformedMultipart
from standards.multipart import MultipartParser, PartBegin, PartData


def parser(boundary="B", parts=100, size=1 << 20):
    return MultipartParser(boundary, maximum_parts=parts, maximum_part_size=size)


def parts_of(body: bytes, step: int | None = None, boundary="B", **limits) -> list:
    """Headers and content of each part, fed in pieces of `step` bytes."""
    reading, found = parser(boundary, **limits), []
    step = step or max(len(body), 1)
    for start in range(0, len(body), step):
        for event in reading.feed(body[start : start + step]):
            match event:
                case PartBegin(headers):
                    found.append([dict(headers), b""])
                case PartData(data):
                    found[-1][1] += data
    reading.finish()
    assert reading.parts == len(found)
    return found


PLAIN = b"--B\r\nContent-Type: application/dicom\r\n\r\none\r\n--B\r\nA: b\r\n\r\ntwo\r\n--B--\r\n"
EXPECTED = [[{"content-type": "application/dicom"}, b"one"], [{"a": "b"}, b"two"]]

LEGAL = {
    "plain": (PLAIN, EXPECTED),
    "no line end after the last boundary": (PLAIN[:-2], EXPECTED),
    "leading CRLF": (b"\r\n" + PLAIN, EXPECTED),
    "preamble": (b"This is for old mail readers.\r\n" + PLAIN, EXPECTED),
    "preamble that ends in LF": (b"This is for old mail readers.\n" + PLAIN, EXPECTED),
    "preamble that looks like a boundary": (b"--b --B\r\n" + PLAIN, EXPECTED),
    "epilogue": (PLAIN + b"thank you\r\n--B\r\nno part\r\n", EXPECTED),
    "padded boundary": (PLAIN.replace(b"--B\r\n", b"--B \t \r\n"), EXPECTED),
    "part without headers": (b"--B\r\n\r\nbare\r\n--B--", [[{}, b"bare"]]),
    "empty part": (b"--B\r\nA: b\r\n\r\n\r\n--B--", [[{"a": "b"}, b""]]),
    "empty part without its own line": (b"--B\r\nA: b\r\n\r\n--B--", [[{"a": "b"}, b""]]),
    "folded header": (b"--B\r\nA: b;\r\n  c=d\r\n\r\nx\r\n--B--", [[{"a": "b;  c=d"}, b"x"]]),
    "content with line ends and dashes": (
        b"--B\r\n\r\n\r\n--\r\n-\r\n\r\n--A\r\n--B--",
        [[{}, b"\r\n--\r\n-\r\n\r\n--A"]],
    ),
}


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, None])
@pytest.mark.parametrize("variant", LEGAL)
def test_every_legal_form_is_read_at_every_piece_size(variant, step):
    body, expected = LEGAL[variant]
    assert parts_of(body, step) == expected


@pytest.mark.parametrize("step", [1, 3, None])
@pytest.mark.parametrize("cut", range(0, len(PLAIN) - 3, 5))
def test_a_body_that_breaks_off_anywhere_is_refused(cut, step):
    with pytest.raises(MalformedMultipart):
        parts_of(PLAIN[:cut], step)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary at all\r\n",
        b"--B\r\nheader without colon\r\n\r\nx\r\n--B--",
        b"--Bx\r\n\r\nx\r\n--B--",
    ],
)
def test_what_is_no_multipart_body_is_refused(body):
    with pytest.raises(MalformedMultipart):
        parts_of(body)


@pytest.mark.parametrize("boundary", ["", "x" * 201, "ünïcode"])
def test_an_impossible_boundary_is_refused(boundary):
    with pytest.raises(MalformedMultipart):
        parser(boundary)


def test_limits_on_parts_sizes_and_headers_hold():
    many = b"".join(b"--B\r\n\r\nx\r\n" for _ in range(4)) + b"--B--"
    assert len(parts_of(many, parts=4)) == 4
    with pytest.raises(LimitExceeded, match="more than 3 parts"):
        parts_of(many, parts=3)
    with pytest.raises(LimitExceeded, match="a part of more than 9 bytes"):
        parts_of(b"--B\r\n\r\n0123456789\r\n--B--", 4, size=9)
    with pytest.raises(LimitExceeded, match="headers"):
        parts_of(b"--B\r\nA: " + b"x" * 20_000)


def test_memory_stays_small_while_a_large_part_passes():
    reading = parser(size=1 << 30)
    list(reading.feed(b"--B\r\n\r\n"))
    for _ in range(200):
        list(reading.feed(b"\r\n--" * 16384))
        assert len(reading._buffer) < 64


@given(
    contents=st.lists(st.binary(max_size=200), min_size=1, max_size=5),
    preamble=st.sampled_from([b"", b"\r\n", b"text\r\n", b"a\nb\n"]),
    cuts=st.lists(st.integers(1, 50), min_size=1),
)
def test_any_content_comes_back_whatever_the_pieces(contents, preamble, cuts):
    boundary = "=_never_in_content_7d1"
    body = preamble
    for content in contents:
        body += b"--" + boundary.encode() + b"\r\nContent-Type: a/b\r\n\r\n" + content + b"\r\n"
    body += b"--" + boundary.encode() + b"--\r\n"
    reading, found, position, turn = parser(boundary), [], 0, 0
    while position < len(body):
        piece = body[position : position + cuts[turn % len(cuts)]]
        position, turn = position + len(piece), turn + 1
        for event in reading.feed(piece):
            if isinstance(event, PartBegin):
                found.append(b"")
            elif isinstance(event, PartData):
                found[-1] += event.data
    reading.finish()
    assert found == contents


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_parser(noise):
    reading = parser()
    with suppress(MalformedMultipart):  # refused, as it may be
        list(reading.feed(noise))
        reading.finish()
