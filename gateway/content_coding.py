"""Content codings of text answers, as Accept-Encoding asks (RFC 9110 8.4 and 12.5.3).

Only text is coded: pixel data are compressed in their own ways or not at all, and a range is a
range of the bytes as they are. Nothing is held back but the first piece, so memory stays bounded
however long a body is.
"""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import zstandard
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from standards.media_types import parse_media_type

TEXT = frozenset(
    (
        "application/dicom+json",
        "application/dicom+xml",
        "application/fhir+json",
        "application/json",
        "application/problem+json",
        "application/vnd.sun.wadl+xml",
        "text/css",
        "text/html",
        "text/javascript",
        "text/plain",
        "text/xml",
    )
)
SMALLEST = 1024  # bytes; below it, a coded body saves less than one network packet
LARGE = 256 * 1024  # bytes of one piece, from which on it is coded in a thread of its own

_QUALITY = re.compile(r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)


class Coder(Protocol):
    """Both libraries give such an object for one stream."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


# The best first. On the metadata of a CT series (6 kB a slice, most of it the same), measured on
# two cores: zstd 3 writes 1/94 at 5 GB/s, gzip 1 1/22 at 0.7 GB/s, gzip 6 1/53 at 0.4 GB/s. So
# zstd costs nothing even over loopback; gzip pays below some 5 Gbit/s, and higher levels never.
CODINGS: dict[str, Callable[[], Coder]] = {
    "zstd": lambda: zstandard.ZstdCompressor(level=3).compressobj(),
    "gzip": lambda: zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16),
}


def coding_for(accept_encoding: str) -> str | None:
    """The coding a client wants most, of those known here; None for bytes as they are.

    A client that names nothing gets no coding, and one that refuses even that is given it all
    the same: RFC 9110 12.5.3 leaves the choice, and a readable answer is better than 415.
    """
    weights = dict(_weights(accept_encoding))
    others = weights.get("*", 0.0)
    plain = weights.get("identity", 0.0)
    wanted = {name: weights.get(name, others) for name in CODINGS}
    best = max(CODINGS, key=lambda name: wanted[name])  # of equals the first
    return best if wanted[best] > 0 and wanted[best] >= plain else None


def _weights(header: str) -> list[tuple[str, float]]:
    found = []
    for member in header.split(","):
        name, _, parameters = member.partition(";")
        quality = _QUALITY.fullmatch(parameters)
        found.append((name.strip().lower(), float(quality[1]) if quality else 1.0))
    return found


class ContentCodingMiddleware:
    """Codes the text answers of the application behind it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        accepted = Headers(scope=scope).get("accept-encoding", "")
        await self.app(scope, receive, _Answer(send, coding_for(accepted)))


@dataclass
class _Answer:
    """One answer on its way out; its head waits for the first piece of its body."""

    send: Send
    coding: str | None
    head: Message | None = None
    coder: Coder | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and is_text(message):
            MutableHeaders(scope=message).add_vary_header("Accept-Encoding")
            if self.coding is not None:
                self.head = message
                return
        elif message["type"] == "http.response.body" and self.head is not None:
            head, self.head = self.head, None
            self._begin(head, message)
            await self.send(head)
        if self.coder is not None and message["type"] == "http.response.body":
            message = await self._coded(message)
        await self.send(message)

    def _begin(self, head: Message, first: Message) -> None:
        """Decide by the first piece whether the body is worth it, and tell so in the head."""
        if not first.get("more_body") and len(first.get("body", b"")) < SMALLEST:
            return
        assert self.coding is not None  # noqa: S101 (else the head was not held back)
        self.coder = CODINGS[self.coding]()
        headers = MutableHeaders(scope=head)
        headers["Content-Encoding"] = self.coding
        if "content-length" in headers:
            del headers["content-length"]
        tag = headers.get("etag", "")
        if tag.startswith('"'):  # other bytes than those the strong tag names
            headers["ETag"] = f"W/{tag}"

    async def _coded(self, message: Message) -> Message:
        body, more = message.get("body", b""), message.get("more_body", False)
        if len(body) >= LARGE:
            coded = await run_in_threadpool(self._code, body, more)
        else:
            coded = self._code(body, more)
        return {"type": "http.response.body", "body": coded, "more_body": more}

    def _code(self, body: bytes, more: bool) -> bytes:
        assert self.coder is not None  # noqa: S101 (only called for coded answers)
        coded = self.coder.compress(body)
        return coded if more else coded + self.coder.flush()


def is_text(head: Message) -> bool:
    """Whether an answer with this head may be coded: text, whole, and not coded already."""
    headers = Headers(raw=head["headers"])
    if head["status"] in (204, 206, 304) or "content-encoding" in headers:
        return False
    return parse_media_type(headers.get("content-type", "")).root in TEXT
