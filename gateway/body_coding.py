"""Request bodies that come compressed: gzip or deflate, undone piece by piece (RFC 9110 8.4.1)."""

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.concurrency import run_in_threadpool

from gateway.web_errors import DicomWebError
from standards.errors import LimitExceeded

PIECE = 1 << 20  # bytes inflated at once, however well they were compressed
ACCEPTED = "gzip, deflate, identity"

_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS


class UnsupportedCoding(DicomWebError):
    """RFC 7694: the answer tells, in Accept-Encoding, what could be read."""

    status = 415

    def __init__(self, found: str) -> None:
        self.headers = {"Accept-Encoding": ACCEPTED}
        super().__init__(
            f"the request body is coded as {found[:100]!r}; send it as one of {ACCEPTED}"
        )


class DamagedCoding(DicomWebError):
    """A compressed body that cannot be undone; it becomes status 400."""

    def __init__(self, found: str) -> None:
        super().__init__(f"the compressed request body {found}; nothing was stored, send it again")


def content_coding(header: str) -> str:
    """`gzip`, `deflate` or "" for none. Raises UnsupportedCoding for others, or for several."""
    named = [name.strip().lower().removeprefix("x-") for name in header.split(",")]
    codings = [name for name in named if name not in ("", "identity")]
    if not codings:
        return ""
    if codings not in (["gzip"], ["deflate"]):
        raise UnsupportedCoding(header)
    return codings[0]


async def decoded(chunks: AsyncIterator[bytes], coding: str, largest: int) -> AsyncIterator[bytes]:
    """The body as it was before its coding, in pieces of at most PIECE bytes where it had one.

    largest: bytes of the decoded body. Raises LimitExceeded beyond, DamagedCoding.
    """
    if not coding:
        async for chunk in chunks:
            yield chunk
        return
    inflater = Inflater(coding, largest)
    async for chunk in chunks:
        pieces = inflater.feed(chunk)
        while (piece := await run_in_threadpool(next, pieces, None)) is not None:
            yield piece
    inflater.finish()


class Inflater:
    """Feed it the compressed bytes as they come; `finish` says whether they were whole."""

    def __init__(self, coding: str, largest: int) -> None:
        self._coding = coding
        self._largest = largest
        self._size = 0
        self._stream: Any = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        more = False
        while data or more:
            if self._stream is None or self._stream.eof:
                self._stream = self._begun(data)
            stream = self._stream
            try:
                piece = stream.decompress(data, PIECE)
            except zlib.error as error:
                raise DamagedCoding(f"is no {self._coding} ({error})") from error
            self._size += len(piece)
            if self._size > self._largest:
                raise LimitExceeded(f"a body of more than {self._largest} bytes when inflated")
            data = stream.unused_data if stream.eof else stream.unconsumed_tail
            more = len(piece) == PIECE and not stream.eof  # there may be output without input
            if piece:
                yield piece

    def finish(self) -> None:
        if self._stream is not None and not self._stream.eof:
            raise DamagedCoding("breaks off")

    def _begun(self, first: bytes) -> Any:
        """A stream begins: the only one, or another member of a gzip body (RFC 1952 2.2)."""
        if self._coding == "gzip":
            return zlib.decompressobj(_GZIP)
        if self._stream is not None:
            raise DamagedCoding("goes on after its end")
        return zlib.decompressobj(_ZLIB if _has_zlib_header(first) else _RAW)


def _has_zlib_header(first: bytes) -> bool:
    """RFC 9110 means the zlib format (RFC 1950 2.2); some senders leave its two bytes out."""
    if first[0] & 0x0F != 8 or first[0] >> 4 > 7:
        return False
    return len(first) < 2 or int.from_bytes(first[:2], "big") % 31 == 0
