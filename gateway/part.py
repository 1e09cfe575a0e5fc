"""One instance as it came, from its last byte until it is archived or refused."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from gateway.memory import Lease
from standards.part10 import Buffer

_PIECE = 1 << 20  # bytes of a file read at once


@dataclass(frozen=True, slots=True)
class Part:
    """Its bytes, or the file that holds them.

    spooled: the file is ours, and goes when the instance has been archived or refused.
    lease: what the bytes take of the memory for such parts.
    """

    content: bytes | Path
    spooled: bool = False
    lease: Lease | None = None

    @property
    def size(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def discard(self) -> None:
        if self.spooled and isinstance(self.content, Path):
            self.content.unlink(missing_ok=True)
        if self.lease is not None:
            self.lease.release()

    @contextmanager
    def opened(self) -> Iterator[Buffer]:
        """All of it, for reading here and there; what is read from end to end has `pieces`."""
        if isinstance(self.content, bytes):
            yield self.content
        else:
            with mapped(self.content) as content:
                yield content

    def pieces(self, start: int = 0) -> Iterator[bytes | memoryview]:
        """From `start` to the end, without ever holding a file whole."""
        if isinstance(self.content, bytes):
            yield memoryview(self.content)[start:]
            return
        with self.content.open("rb") as file:
            file.seek(start)
            while piece := file.read(_PIECE):
                yield piece

    def on_disk(self, folder: Path) -> "Part":
        """The same in a file of the folder, so that it may wait without taking memory."""
        if isinstance(self.content, Path):
            return self
        part = spooled(folder, self.pieces())
        self.discard()
        return part


def spooled(folder: Path, pieces: Iterator[bytes | memoryview]) -> Part:
    """A part of these bytes in a file of its own. Raises OSError, and then leaves no file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid4().hex}.part"
    try:
        with path.open("xb") as file:
            file.writelines(pieces)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Part(path, spooled=True)


@contextmanager
def mapped(path: Path) -> Iterator[Buffer]:
    """A file as if it lay in memory."""
    if not path.stat().st_size:
        yield b""  # nothing cannot be mapped
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content
