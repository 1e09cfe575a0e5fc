"""The Range header and the part of a body that it asks for (RFC 9110 14)."""

import re
from collections.abc import Iterable, Iterator

from standards.elements import Buffer

_PIECE = 1 << 20  # bytes
_BYTE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)


def byte_range(header: str, length: int) -> range | None:
    """The bytes asked for, within a body of `length` bytes; an empty range when there are none.

    None: the header is passed over and all is given, as for another unit, a malformed range, and
    several ranges at once, which a server need not give (RFC 9110 14.2).
    """
    found = _BYTE_RANGE.fullmatch(header)
    if found is None:
        return None
    first, last = found.groups()
    if not first:
        return range(max(0, length - int(last)), length) if last else None
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, length) if last else length)


def slices(content: Buffer, wanted: range) -> Iterator[bytes]:
    """The wanted bytes of a body that is at hand, a piece at a time."""
    for start in range(wanted.start, wanted.stop, _PIECE):
        yield bytes(content[start : min(start + _PIECE, wanted.stop)])


def cut(pieces: Iterable[bytes], wanted: range) -> Iterator[bytes]:
    """The wanted bytes of a body in pieces; what follows them is not read."""
    position = 0
    for piece in pieces:
        inside = piece[max(0, wanted.start - position) : max(0, wanted.stop - position)]
        position += len(piece)
        if inside:
            yield inside
        if position >= wanted.stop:
            return
