"""Requests that no client of good manners sends, on a bare socket."""

import socket
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.gateway.store_helper import multipart
from tests.serving import Gateway

STORE = "/dicom-web/studies"
MULTIPART = b'multipart/related; type="application/dicom"; boundary=BB'
SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back until the server closed or its answer was whole. status 0: nothing at all."""

    status: int
    head: bytes
    body: bytes


class Wire:
    """One connection to the gateway."""

    def __init__(self, gateway: Gateway) -> None:
        where = urlsplit(gateway.url)
        self._token = gateway.token.encode()
        self._socket = socket.create_connection((where.hostname, where.port), timeout=SECONDS)

    def head(self, method: bytes, target: bytes, *headers: bytes) -> None:
        lines = [method + b" " + target + b" HTTP/1.1", b"Host: localhost"]
        lines += [b"Authorization: Bearer " + self._token, *headers]
        self.send(b"\r\n".join(lines) + b"\r\n\r\n")

    def send(self, data: bytes) -> None:
        """As much of it as the server takes before it closes."""
        with suppress(BrokenPipeError, ConnectionResetError):  # its answer, if any, says why
            self._socket.sendall(data)

    def end(self) -> None:
        """No more is sent, but an answer is still read."""
        with suppress(OSError):  # the server has closed already
            self._socket.shutdown(socket.SHUT_WR)

    def answer(self) -> Answer:
        """Raises TimeoutError when the server is silent for SECONDS."""
        received = b""
        while not _is_whole(received):
            try:
                data = self._socket.recv(1 << 16)
            except ConnectionResetError:
                break
            if not data:
                break
            received += data
        head, _, body = received.partition(b"\r\n\r\n")
        return Answer(int(head.split(b" ", 2)[1]) if head else 0, head, body)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _is_whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return False
    lengths = [
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    return bool(lengths) and len(body) >= lengths[0]


def ask(
    gateway: Gateway, method: bytes, target: bytes, *headers: bytes, body: bytes = b""
) -> Answer:
    with Wire(gateway) as wire:
        length = [b"Content-Length: %d" % len(body)] if body or method == b"POST" else []
        wire.head(method, target, *headers, *length)
        wire.send(body)
        return wire.answer()


def store(gateway: Gateway, *contents: bytes) -> Answer:
    kind = b"Content-Type: " + MULTIPART
    accept = b"Accept: application/dicom+json"
    return ask(gateway, b"POST", STORE.encode(), kind, accept, body=multipart(*contents))
