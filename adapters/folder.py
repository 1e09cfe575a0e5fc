"""An archive that is a folder: the stand-in where no Orthanc is wanted."""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from adapters.archive import CHUNK, Held, Stored
from adapters.errors import ArchiveFull, ArchiveUnavailable, NotInArchive

_KEY = re.compile(r"[0-9a-f]{64}")


class FolderArchive:
    """Each content lies in a file named by its SHA-256, two folders deep; never overwritten."""

    shared = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def store(self, content: bytes | Path) -> Stored:
        """The file and its folder are synced before the key is returned."""
        key = _sha256(content)
        path = self._path(key)
        if path.exists():
            return Stored(key, new=False)
        with self._clear_errors():
            new_folder = not path.parent.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.parent / f".{uuid4().hex}"
            try:
                _write(draft, content)
                new = _linked(draft, path)
            finally:
                draft.unlink(missing_ok=True)
            _sync_folder(path.parent)
            if new_folder:
                _sync_folder(path.parent.parent)
                _sync_folder(self._folder)
        return Stored(key, new)

    def read(self, key: str) -> bytes:
        with self._clear_errors(key):
            return self._path(key).read_bytes()

    def stream(self, key: str) -> Iterator[bytes]:
        with self._clear_errors(key), self._path(key).open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def file(self, key: str) -> Path:
        return self._path(key)

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def listing(self) -> Iterator[Sequence[str]]:
        """One page for each of the 256 folders."""
        with self._clear_errors():
            self._folder.mkdir(parents=True, exist_ok=True)
            for folder in sorted(self._folder.iterdir()):
                yield [path.name for path in folder.glob("*/*") if _KEY.fullmatch(path.name)]

    def held(self, keys: Sequence[str]) -> list[Held]:
        return [held for key in keys if (held := self._held(key)) is not None]

    def _held(self, key: str) -> Held | None:
        try:
            with self._clear_errors(key):
                found = self._path(key).stat()
        except NotInArchive:
            return None
        return Held(key, found.st_size, found.st_mtime)

    def check(self) -> str:
        with self._clear_errors():
            self._folder.mkdir(parents=True, exist_ok=True)
            probe = self._folder / f".{uuid4().hex}"
            probe.write_bytes(b"")
            probe.unlink()
        return f"folder {self._folder}"

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):  # a key of another archive, or a path that would lead outside
            raise NotInArchive(key)
        return self._folder / key[:2] / key[2:4] / key

    @contextmanager
    def _clear_errors(self, key: str | None = None) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if key is not None:
                raise NotInArchive(key) from error
            raise ArchiveUnavailable(f"folder {self._folder}", error.strerror or "") from error
        except OSError as error:
            kind = (
                ArchiveFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else ArchiveUnavailable
            )
            raise kind(f"folder {self._folder}", error.strerror or "") from error


def _sha256(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, content: bytes | Path) -> None:
    with path.open("xb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            with content.open("rb") as source:
                shutil.copyfileobj(source, file, CHUNK)
        file.flush()
        os.fsync(file.fileno())


def _linked(draft: Path, path: Path) -> bool:
    """Give the file its name; of several writers of one content exactly one is told True."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
