"""Where the parts of a store request wait: in memory while small, else in the spool."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from gateway.body_errors import SpoolFull
from gateway.memory import MemoryBudget
from gateway.part import Part

LARGEST_IN_MEMORY = 8 << 20  # bytes of a part; a larger one is written to the spool
_PIECE = 1 << 20


class PartWriter:
    """Gathers one instance after the other.

    memory: for all that wait to be archived; what it has no room for goes to the spool too.
    """

    def __init__(self, spool: Path, memory: MemoryBudget) -> None:
        self._spool, self._memory = spool, memory
        self._lease = memory.lease()
        self._pieces: list[bytes] = []
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self.size = 0

    def take(self, data: bytes) -> None:
        self.size += len(data)
        if self._file is not None:
            self._write(data)
            return
        self._pieces.append(data)
        if self.size > LARGEST_IN_MEMORY or not self._lease.grow(len(data)):
            self._open_spool()

    def whole(self) -> Part:
        """What was taken since the last time, as one part."""
        if self._file is not None and self._path is not None:
            try:
                self._file.close()
            except OSError as error:
                raise SpoolFull(error.strerror or "") from error
            part = Part(self._path, spooled=True)
        else:
            part = Part(b"".join(self._pieces), lease=self._lease)
            self._lease = self._memory.lease()
        self._forget()
        return part

    def discard(self) -> None:
        """A part that never became whole leaves nothing behind."""
        if self._file is not None and self._path is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
        self._lease.release()
        self._forget()

    def _forget(self) -> None:
        self._pieces, self.size, self._path, self._file = [], 0, None, None

    def _open_spool(self) -> None:
        try:
            self._spool.mkdir(parents=True, exist_ok=True)
            self._path = self._spool / f"{uuid4().hex}.part"
            self._file = self._path.open("xb")
        except OSError as error:
            raise SpoolFull(error.strerror or "") from error
        for piece in self._pieces:
            self._write(piece)
        self._pieces.clear()
        self._lease.release()

    def _write(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 (only called while it is open)
        try:
            self._file.write(data)
        except OSError as error:
            raise SpoolFull(error.strerror or "") from error


class RequestSpool:
    """All parts of one request behind one another, until the last of them has come."""

    def __init__(self, spool: Path) -> None:
        try:
            spool.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SpoolFull(error.strerror or "") from error
        self._file = tempfile.SpooledTemporaryFile(LARGEST_IN_MEMORY, dir=str(spool))  # noqa: SIM115
        self.size = 0

    def append(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise SpoolFull(error.strerror or "") from error
        self.size += len(data)

    def read(self, offset: int, length: int) -> Iterator[bytes]:
        """A stretch of it in pieces. Nothing may be appended any more."""
        end = offset + length
        while offset < end:
            self._file.seek(offset)
            piece = self._file.read(min(_PIECE, end - offset))
            offset += len(piece)
            yield piece

    def close(self) -> None:
        self._file.close()
