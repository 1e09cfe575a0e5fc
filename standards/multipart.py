"""Reading multipart bodies piece by piece as they arrive: RFC 2046 5.1, RFC 2387.

Bytes go in with `feed`, events come out; memory use is one boundary line whatever the part size.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from standards.errors import LimitExceeded, MalformedMultipart

LONGEST_HEADERS = 16 * 1024  # bytes of one part's headers
_LONGEST_BOUNDARY = 200  # RFC 2046 says 70; some senders write more
_LONGEST_PADDING = 1024  # spaces and tabs after a boundary


@dataclass(frozen=True, slots=True)
class PartBegin:
    """headers: names in lower case."""

    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PartData:
    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnd:
    pass


Event = PartBegin | PartData | PartEnd


class MultipartParser:
    """Feed it the body as it comes; `finish` says whether the body was whole.

    Raises MalformedMultipart for a body that does not follow RFC 2046 and LimitExceeded beyond
    `maximum_parts` or `maximum_part_size` bytes in a part. Preamble and epilogue are ignored;
    line ends of CRLF are asked for, a preamble may also end in LF alone.
    """

    def __init__(self, boundary: str, *, maximum_parts: int, maximum_part_size: int) -> None:
        if not boundary or len(boundary) > _LONGEST_BOUNDARY or not boundary.isascii():
            raise MalformedMultipart("a boundary that is empty, too long or not ASCII")
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        self._maximum_parts = maximum_parts
        self._maximum_part_size = maximum_part_size
        self._buffer = bytearray(b"\r\n")  # so that a boundary on the first line is found too
        self._step = self._preamble
        self._size = 0
        self.parts = 0  # ended so far
        self._complete = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that these bytes complete."""
        self._buffer += data
        while (event := self._step()) is not None:
            if event is not _GO_ON:
                yield event

    def finish(self) -> None:
        """Raises MalformedMultipart unless the closing boundary has been seen."""
        if not self._complete:
            raise MalformedMultipart(f"it breaks off after {self.parts} complete part(s)")

    def _preamble(self) -> "Event | None":
        line_feed = self._delimiter[1:]
        found = self._buffer.find(line_feed)
        if found < 0:
            del self._buffer[: max(0, len(self._buffer) - len(line_feed))]
            return None
        del self._buffer[: found + len(line_feed)]
        self._step = self._after_delimiter
        return _GO_ON

    def _after_delimiter(self) -> "Event | None":
        if len(self._buffer) < 2:
            return None
        if self._buffer[:2] == b"--":
            self._complete = True
            self._step = self._epilogue
            return _GO_ON
        end = self._buffer.find(b"\r\n")
        padding = self._buffer if end < 0 else self._buffer[:end]
        if padding.strip(b" \t\r") or len(padding) > _LONGEST_PADDING:
            raise MalformedMultipart("text after a boundary")
        if end < 0:
            return None
        if self.parts >= self._maximum_parts:
            raise LimitExceeded(f"more than {self._maximum_parts} parts")
        del self._buffer[:end]  # its CRLF stays: a part without headers has its blank line there
        self._step = self._headers
        return _GO_ON

    def _headers(self) -> "Event | None":
        end = self._buffer.find(b"\r\n\r\n")
        if end > LONGEST_HEADERS or (end < 0 and len(self._buffer) > LONGEST_HEADERS):
            raise LimitExceeded(f"part headers of more than {LONGEST_HEADERS} bytes")
        if end < 0:
            return None
        headers = _headers_of(bytes(self._buffer[:end]))
        del self._buffer[: end + 2]  # the second CRLF may belong to the next boundary
        self._size = -2
        self._step = self._body
        return PartBegin(headers)

    def _body(self) -> "Event | None":
        found = self._buffer.find(self._delimiter)
        ends = found >= 0
        keep = len(self._delimiter) - 1
        ready = found if ends else len(self._buffer) - keep
        if ends and ready == 0:
            del self._buffer[: len(self._delimiter)]
            self.parts += 1
            self._step = self._after_delimiter
            return PartEnd()
        skipped = 2 if self._size < 0 else 0  # the CRLF that ended the headers
        if ready <= skipped and not ends:
            return None
        data = bytes(memoryview(self._buffer)[skipped:ready])
        del self._buffer[:ready]
        self._size = max(self._size, 0) + len(data)
        if self._size > self._maximum_part_size:
            raise LimitExceeded(f"a part of more than {self._maximum_part_size} bytes")
        return PartData(data) if data else _GO_ON

    def _epilogue(self) -> "Event | None":
        self._buffer.clear()
        return None


_GO_ON = PartEnd()  # compared by identity: the step moved on without an event


def _headers_of(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    text = block.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").decode("latin-1")
    for line in text.split("\r\n"):
        if not line:
            continue
        name, colon, content = line.partition(":")
        if not colon or not name.strip():
            raise MalformedMultipart("a part header without a colon")
        headers[name.strip().lower()] = content.strip()
    return headers
