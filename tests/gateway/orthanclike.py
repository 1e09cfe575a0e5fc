"""Archives that keep one content per instance, as Orthanc does: in memory, or in files."""

import os
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from threading import Lock

from pydicom import dcmread

from adapters.archive import Held, Stored
from adapters.errors import ArchiveConflict, ArchiveUnavailable, NotInArchive
from adapters.memory import MemoryArchive


class Orthanclike(MemoryArchive):
    """The SOP Instance UID is the key. `away`: nothing can be stored."""

    away = False

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()

    def store(self, content: bytes | Path) -> Stored:
        if self.away:
            raise ArchiveUnavailable("memory", "away for the test")
        content, key = _read(content)
        with self._lock:
            held = self._contents.setdefault(key, content)
        if held is not content and held != content:
            raise ArchiveConflict(key)
        return Stored(key, new=held is content)


class OrthanclikeFolder:
    """Files that several processes share."""

    shared = False

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def store(self, content: bytes | Path) -> Stored:
        content, key = _read(content)
        draft = self._folder / f".{os.urandom(8).hex()}"
        draft.write_bytes(content)
        try:
            os.link(draft, self._folder / key)
        except FileExistsError:
            if self.read(key) != content:
                raise ArchiveConflict(key) from None
            return Stored(key, new=False)
        finally:
            draft.unlink()
        return Stored(key, new=True)

    def read(self, key: str) -> bytes:
        try:
            return (self._folder / key).read_bytes()
        except FileNotFoundError:
            raise NotInArchive(key) from None

    def stream(self, key: str) -> Iterator[bytes]:
        return iter([self.read(key)])

    def delete(self, key: str) -> None:
        (self._folder / key).unlink(missing_ok=True)

    def listing(self) -> Iterator[Sequence[str]]:
        yield sorted(path.name for path in self._folder.glob("[!.]*"))

    def held(self, keys: Sequence[str]) -> list[Held]:
        return [Held(key, 0, 0.0) for key in keys if (self._folder / key).exists()]

    def check(self) -> str:
        return "files"


def _read(content: bytes | Path) -> tuple[bytes, str]:
    content = content.read_bytes() if isinstance(content, Path) else content
    return content, str(dcmread(BytesIO(content), stop_before_pixels=True).SOPInstanceUID)
