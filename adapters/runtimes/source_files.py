"""The files of the series as they came, for models that read folders: those in containers."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ai_models.card import ModelCard
from ai_models.card.runtime import Container

MOST_BYTES = 16 << 30
_PRIVATE = 0o700


class FilesNotKept(Exception):
    """The series could not be laid out for the model."""

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the files of the input could not be laid out: {found}; {expected}")


class SourceFiles:
    """A folder for each input, by its name, with its files in the order in which they came.

    What goes wrong is told when all have come, as the worker listens only then.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.clear()

    def clear(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=_PRIVATE)
        self._count = self._bytes = 0
        self._error: FilesNotKept | None = None

    def add(self, name: str, content: bytes) -> None:
        self._count += 1
        self._bytes += len(content)
        if self._bytes > MOST_BYTES:
            expected = f"expected {MOST_BYTES >> 30} GiB at most"
            self._error = FilesNotKept(f"{self._bytes} bytes", expected)
        if self._error is not None:
            return
        path = self._folder / name / f"{self._count:05}.dcm"
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            expected = "make room where temporary files lie (TMPDIR), or name another place"
            self._error = FilesNotKept(error.strerror or type(error).__name__, expected)

    def folder(self) -> Path:
        """Raises FilesNotKept."""
        if self._error is not None:
            raise self._error
        return self._folder


@contextmanager
def source_files(card: ModelCard) -> Iterator[SourceFiles | None]:
    """Gone afterwards; None for models that get their input in memory."""
    if not isinstance(card.runtime, Container):
        yield None
        return
    from adapters.runtimes.containers.engines import own_folder  # noqa: PLC0415 (few need)

    folder = own_folder(os.getppid())
    folder.mkdir(mode=_PRIVATE, exist_ok=True)
    try:
        yield SourceFiles(folder / "input")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
