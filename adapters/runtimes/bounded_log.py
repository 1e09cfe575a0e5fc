"""A file for what somebody prints of whom no end is known."""

import os
from pathlib import Path

LIMIT = 65_536  # bytes of a file; with its former part there is twice as much at most


class BoundedLog:
    """Keeps the end of what is written: a full file is put aside as `<name>.1`.

    Only its owner may read it.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._former = path, path.with_name(f"{path.name}.1")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open()

    def write(self, content: bytes) -> None:
        if self._size and self._size + len(content) > LIMIT:
            self.close()
            self._path.replace(self._former)
            self._open()
        self._size += os.write(self._file, content[-LIMIT:])

    def close(self) -> None:
        os.close(self._file)

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._file).st_size
