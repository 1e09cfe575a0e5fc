"""Where instances lie: an Orthanc, a folder, or memory, behind a few verbs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

CHUNK = 256 * 1024  # bytes; what `stream` yields at a time
AT_ONCE = 500  # keys that one question names


class Stored(NamedTuple):
    """How the archive names the bytes. new: this very call put them there."""

    key: str
    new: bool


@dataclass(frozen=True, slots=True)
class Held:
    """One instance that lies in the archive, and how it came there as far as that knows.

    size: of the Part 10 file, bytes. came_at: seconds since the epoch, by the archive's clock.
    service: C-STORE, or "" for what came otherwise. series: the archive's own name of its series.
    """

    key: str
    size: int
    came_at: float
    service: str = ""
    calling_ae_title: str = ""
    called_ae_title: str = ""
    series: str = ""


@runtime_checkable
class HasFiles(Protocol):
    """An archive whose instances are files of this machine, one each."""

    def file(self, key: str) -> Path:
        """Where the bytes lie, if they do; not to be changed. Raises NotInArchive."""
        ...


class Archive(Protocol):
    """Keeps whole DICOM files, byte for byte, under keys of its own choosing.

    shared: others store and delete in it too.
    """

    shared: bool

    def store(self, content: bytes | Path) -> Stored:
        """Keep one file; the key is returned once the bytes are durable.

        The same bytes again give the same key, and are not new. Raises ArchiveConflict when other
        bytes lie under the same identity, ArchiveRefused when the archive does not take these bytes
        at all, ArchiveFull and ArchiveUnavailable when it cannot work now.
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

    def listing(self) -> Iterator[Sequence[str]]:
        """The keys of everything, in pages; what comes or goes meanwhile may be left out.

        Raises ArchiveUnavailable.
        """
        ...

    def held(self, keys: Sequence[str]) -> list[Held]:
        """What it knows of these, in any order; those that are not there are left out.

        keys: at most AT_ONCE. Raises ArchiveUnavailable.
        """
        ...

    def check(self) -> str:
        """What the archive is, with its version. Raises ArchiveUnavailable."""
        ...
