"""Where the artefacts of models lie, named by the sha256 of their bytes, for every machine to read.

A folder, or whatever fsspec has a file system for: s3, gcs, abfs, sftp, ...
"""

import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import fsspec
from fsspec.implementations.local import LocalFileSystem

from adapters.errors import ArtefactsUnavailable

_PIECE = 1 << 20
_NEW_SECONDS = 3600.0  # less than what is not referred to is kept
_READABLE = 0o644
_SECRET = re.compile(r"//[^/@]*@")


class ArtefactStore:
    """All methods raise ArtefactsUnavailable.

    where: the URL without the name and password that it may hold.
    """

    def __init__(self, url: str) -> None:
        """url: as fsspec has it; a local one without `file://` is fine."""
        self.where = _SECRET.sub("//", url)
        with self._telling():
            self._files, self._root = fsspec.url_to_fs(url)

    def check(self) -> None:
        """Whether the store answers, and can be made where it is not there yet."""
        with self._telling():
            self._files.makedirs(self._root, exist_ok=True)

    def put(self, source: Path, digest: str) -> None:
        """Keep a file; the same bytes are there once. It is not to be written to any more."""
        with self._telling():
            self._files.makedirs(self._root, exist_ok=True)
            self._files.invalidate_cache(self._root)
            path = self._path(digest)
            if self._is_new(path, source.stat().st_size):
                return
            partial = f"{path}.{uuid.uuid4().hex}"
            self._bring(source, partial)
            self._files.mv(partial, path)

    def fetch(self, digest: str, target: Path) -> None:
        """Write the artefact to a file. Its bytes are checked against its name."""
        found = hashlib.sha256()
        with (
            self._telling(),
            target.open("wb") as out,
            self._files.open(self._path(digest), "rb") as source,
        ):
            while piece := source.read(_PIECE):
                found.update(piece)
                out.write(piece)
        if found.hexdigest() != digest:
            told = f"what lies there as {digest} has the sha256 {found.hexdigest()}"
            raise ArtefactsUnavailable(self.where, told)

    def names_before(self, before: float) -> Iterator[str]:
        """What was put, or began to be put, earlier than that, in seconds since the epoch."""
        with self._telling():
            self._files.invalidate_cache(self._root)
            paths = self._files.ls(self._root, detail=False) if self._is_made() else []
            for path in paths:
                if self._files.modified(path).timestamp() < before:
                    yield PurePosixPath(path).name

    def remove(self, name: str) -> None:
        with self._telling():
            self._files.rm_file(self._path(name))

    def _is_new(self, path: str, size: int) -> bool:
        """Whether it is there whole, and for so short a time that nobody is about to remove it."""
        if not self._files.exists(path) or self._files.size(path) != size:
            return False
        return self._files.modified(path).timestamp() > time.time() - _NEW_SECONDS

    def _bring(self, source: Path, path: str) -> None:
        """Gigabytes are not copied where one file system has both."""
        if isinstance(self._files, LocalFileSystem):
            try:
                os.link(source, path)
            except OSError:
                self._files.put_file(str(source), path)
            Path(path).chmod(_READABLE)  # by workers of another user, too
        else:
            self._files.put_file(str(source), path)

    def _is_made(self) -> bool:
        return self._files.exists(self._root)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """A file system that is not installed raises ImportError, an unknown one ValueError."""
        try:
            yield
        except (OSError, ImportError, ValueError) as error:
            raise ArtefactsUnavailable(self.where, str(error) or type(error).__name__) from error
