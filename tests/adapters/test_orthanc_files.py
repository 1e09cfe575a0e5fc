"""Kept-open connections to Orthanc: used again, replaced when stale, never trusted half way."""

import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from adapters.errors import ArchiveFull, ArchiveUnavailable, NotInArchive
from adapters.orthanc import OrthancArchive

KEY = "-".join(["01234567"] * 5)
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ncontent"
BROKEN_OFF = b"HTTP/1.1 200 OK\r\nContent-Length: 700000\r\n\r\n" + bytes(300_000)
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers each request on a connection with the next of its answers, then closes it."""

    def __init__(self, listener: socket.socket, answers: tuple[bytes, ...]) -> None:
        self.connections = 0
        self._listener, self._answers = listener, answers

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed at the end of the test
            self.connections += 1
            with connection:
                for answer in self._answers:
                    if not _request(connection):
                        break
                    connection.sendall(answer)


def _request(connection: socket.socket) -> bytes:
    """One request; of a large body only what comes with its head."""
    received = connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    named = re.search(rb"Content-Length: (\d+)", head)
    length = int(named[1]) if named else 0
    while received and len(body) < length < 65536:
        body += connection.recv(65536)
    return received


@contextmanager
def serving(*answers: bytes) -> Iterator[tuple[Server, OrthancArchive]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener, answers)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server, OrthancArchive(f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_one_connection_serves_many_reads():
    with serving(WHOLE, WHOLE, MISSING, WHOLE) as (server, archive):
        assert archive.read(KEY) == b"content"
        assert b"".join(archive.stream(KEY)) == b"content"
        with pytest.raises(NotInArchive):
            archive.read(KEY)
        assert archive.read(KEY) == b"content"

    assert server.connections == 1


def test_a_connection_that_orthanc_closed_meanwhile_is_replaced():
    with serving(WHOLE) as (server, archive):
        assert [archive.read(KEY) for _ in range(3)] == [b"content"] * 3

    assert server.connections == 3


def test_a_file_that_breaks_off_is_never_given_as_whole():
    with serving(BROKEN_OFF) as (_, archive):
        with pytest.raises(ArchiveUnavailable, match="IncompleteRead"):
            archive.read(KEY)
        received = []
        with pytest.raises(ArchiveUnavailable, match="IncompleteRead"):
            received.extend(archive.stream(KEY))
    assert sum(map(len, received)) == 300_000


def test_a_stream_that_is_left_early_leaves_no_half_read_connection_behind():
    with serving(BROKEN_OFF) as (server, archive):
        stream = archive.stream(KEY)
        next(stream)
        stream.close()
        next(archive.stream(KEY))

    assert server.connections == 2


def test_threads_do_not_share_a_connection():
    with serving(WHOLE) as (_, archive), ThreadPoolExecutor(8) as threads:
        assert set(threads.map(archive.read, [KEY] * 64)) == {b"content"}


def answered(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


STORED = answered("200 OK", b'{"ID": "%s", "Status": "Success"}' % KEY.encode())
FULL = answered("507 Insufficient Storage", b'{"OrthancStatus": 19, "OrthancError": "full"}')


def test_one_connection_serves_many_uploads_and_is_replaced_when_it_was_closed():
    with serving(STORED, STORED) as (server, archive):
        assert [archive.store(b"content").key for _ in range(6)] == [KEY] * 6

    assert server.connections == 3


def test_an_upload_that_is_answered_before_its_end_is_told_why(tmp_path):
    large = tmp_path / "large"
    large.write_bytes(bytes(8 << 20))
    with serving(FULL) as (_, archive), pytest.raises(ArchiveFull, match="full"):
        archive.store(large)


def test_an_upload_without_an_answer_is_no_success():
    with serving() as (_, archive), pytest.raises(ArchiveUnavailable):
        archive.store(b"content")
