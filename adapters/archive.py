"""Where instances lie: an Orthanc, a folder, or memory, behind five verbs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

CHUNK = 256 * 1024  # bytes; what `stream` yields at a time


class Archive(Protocol):
    """Keeps whole DICOM files, byte for byte, under keys of its own choosing."""

    def store(self, content: bytes | Path) -> str:
        """Keep one file; the key is returned once the bytes are durable.

        The same bytes again give the same key. Raises ArchiveConflict when other bytes lie under
        the same identity, ArchiveRefused when the archive does not take these bytes at all,
        ArchiveFull and ArchiveUnavailable when it cannot work now.
        """
        ...

    def read(self, key: str) -> bytes:
        """The bytes as they were stored. Raises NotInArchive, ArchiveUnavailable."""
        ...

    def stream(self, key: str) -> Iterator[bytes]:
        """As `read`, in chunks of CHUNK bytes."""
        ...

    def delete(self, key: str) -> None:
        """Forget the bytes. Deleting what is not there is no error."""
        ...

    def check(self) -> str:
        """What the archive is, with its version. Raises ArchiveUnavailable."""
        ...
