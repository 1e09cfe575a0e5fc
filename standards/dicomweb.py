"""Writing multipart/related bodies (RFC 2046 5.1, RFC 2387, PS3.18 8.6.1.2)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import uuid4


@dataclass(frozen=True)
class Part:
    """One part: its Content-Type, its bytes in pieces, and where else it can be had."""

    content_type: str
    content: Iterable[bytes]
    location: str = ""  # Content-Location


class MultipartWriter:
    """One multipart/related body with a boundary of its own.

    root:  media type of the parts, the `type` parameter of the whole.
    transfer_syntax:  UID that all parts share, when they do.
    """

    def __init__(self, root: str, transfer_syntax: str | None = None) -> None:
        self.boundary = uuid4().hex
        syntax = f"; transfer-syntax={transfer_syntax}" if transfer_syntax else ""
        self.content_type = f'multipart/related; type="{root}"{syntax}; boundary={self.boundary}'

    def around(self, content_type: str, location: str = "") -> tuple[bytes, bytes]:
        """What stands before and after the bytes of a single part."""
        before, after = self.body([Part(content_type, (), location)])
        return before, after

    def body(self, parts: Iterable[Part]) -> Iterator[bytes]:
        """The body in pieces. It starts with the boundary itself, since OHIF looks for it there."""
        opening = f"--{self.boundary}\r\n"
        for part in parts:
            head = f"{opening}Content-Type: {part.content_type}\r\n"
            if part.location:
                head += f"Content-Location: {part.location}\r\n"
            yield f"{head}\r\n".encode()
            yield from part.content
            opening = f"\r\n--{self.boundary}\r\n"
        yield (opening.rstrip() + "--\r\n").encode()
