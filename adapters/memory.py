"""An archive in memory, for tests and for trying a model on files."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from adapters.archive import CHUNK
from adapters.errors import NotInArchive


class MemoryArchive:
    """Keys are the SHA-256 of the content."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def store(self, content: bytes | Path) -> str:
        content = content.read_bytes() if isinstance(content, Path) else bytes(content)
        key = hashlib.sha256(content).hexdigest()
        self._contents[key] = content
        return key

    def read(self, key: str) -> bytes:
        try:
            return self._contents[key]
        except KeyError:
            raise NotInArchive(key) from None

    def stream(self, key: str) -> Iterator[bytes]:
        content = self.read(key)
        return (content[start : start + CHUNK] for start in range(0, len(content), CHUNK))

    def delete(self, key: str) -> None:
        self._contents.pop(key, None)

    def check(self) -> str:
        return f"memory, {len(self._contents)} instances"
