"""An HTTP client that costs little, so that what is measured is the server.

One keep-alive socket and no header objects: about 30 µs of a core a request, where common clients
take ten times that. Several clients are threads; they meet only in the interpreter's lock, which
sockets leave while they wait and copy.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 600
BUFFER = 1 << 20


class Connection:
    """A connection to one server. Not safe among threads."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._address = urlsplit(url)
        self._fixed = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        where = (self._address.hostname or "", self._address.port or 80)
        self._socket = socket.create_connection(where, TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb", BUFFER)
        self._scratch = memoryview(bytearray(BUFFER))

    def get(self, path: str, accept: str) -> int:
        """Read and drop a 200 response; the bytes of its body."""
        self._send("GET", path, f"Accept: {accept}\r\n")
        status, length = self._answer(keep=None)
        return _succeeded(path, status, length)

    def read(self, path: str, accept: str) -> bytearray:
        """The body of a 200 response."""
        content = bytearray()
        self._send("GET", path, f"Accept: {accept}\r\n")
        status, length = self._answer(content)
        _succeeded(path, status, length, content)
        return content

    def post(
        self, path: str, content_type: str, length: int, body: Iterable[bytes], accept: str = "*/*"
    ) -> Any:
        """Send a body of `length` bytes; the JSON of the response."""
        headers = (
            f"Content-Type: {content_type}\r\nContent-Length: {length}\r\nAccept: {accept}\r\n"
        )
        self._send("POST", path, headers)
        for chunk in body:
            self._socket.sendall(chunk)
        content = bytearray()
        status, length = self._answer(content)
        _succeeded(path, status, length, content)
        return json.loads(content)

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, method: str, path: str, headers: str) -> None:
        target = f"{self._address.path}{path}"
        head = f"{method} {target} HTTP/1.1\r\nHost: {self._address.netloc}\r\n"
        self._socket.sendall(f"{head}{self._fixed}{headers}\r\n".encode())

    def _answer(self, keep: bytearray | None) -> tuple[int, int]:
        """Status and body length of the next response; the body is added to `keep`."""
        status = int(self._stream.readline().split(None, 2)[1])
        length, chunked = None, False
        while (line := self._stream.readline().lower()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name == b"content-length":
                length = int(value)
            chunked = chunked or (name == b"transfer-encoding" and b"chunked" in value)
        if chunked:
            return status, self._read_chunks(keep)
        return status, self._read_to_end(keep) if length is None else self._read(length, keep)

    def _read_chunks(self, keep: bytearray | None) -> int:
        total = 0
        while size := int(self._stream.readline().split(b";")[0], 16):
            total += self._read(size, keep)
            self._stream.readline()
        self._stream.readline()
        return total

    def _read_to_end(self, keep: bytearray | None) -> int:
        """A body that ends with its connection, as the plug-in sends multipart ones."""
        total = 0
        while read := self._stream.readinto(self._scratch):
            total += read
            if keep is not None:
                keep += self._scratch[:read]
        return total

    def _read(self, length: int, keep: bytearray | None) -> int:
        left = length
        while left:
            part = self._scratch[: min(left, BUFFER)]
            read = self._stream.readinto(part)
            if not read:
                raise ConnectionError("the server ended in the middle of a response")
            if keep is not None:
                keep += part[:read]
            left -= read
        return length


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def at_once(works: Sequence[Callable[[], None]]) -> float:
    """Run them in threads that start together; seconds until the last has ended."""
    start = threading.Barrier(len(works) + 1)
    failures: list[Exception] = []

    def run(work: Callable[[], None]) -> None:
        start.wait()
        try:
            work()
        except Exception as error:  # told below, in the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    start.wait()
    seconds = timed(lambda: [thread.join() for thread in threads])
    if failures:
        raise failures[0]
    return seconds


def _succeeded(path: str, status: int, length: int, content: bytes = b"") -> int:
    if status != 200:
        raise SystemExit(f"{path} answered {status}: {content[:500].decode(errors='replace')}")
    return length
