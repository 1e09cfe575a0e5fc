"""An archive in memory, for tests and for trying a model on files."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters.archive import AT_ONCE, CHUNK, Held, Stored
from adapters.errors import NotInArchive


class MemoryArchive:
    """Keys are the SHA-256 of the content."""

    shared = False

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self._came_at: dict[str, float] = {}

    def store(self, content: bytes | Path) -> Stored:
        content = content.read_bytes() if isinstance(content, Path) else bytes(content)
        key = hashlib.sha256(content).hexdigest()
        new = key not in self._contents
        self._contents[key] = content
        self._came_at.setdefault(key, time.time())
        return Stored(key, new)

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
        self._came_at.pop(key, None)

    def listing(self) -> Iterator[Sequence[str]]:
        keys = list(self._contents)
        return (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE))

    def held(self, keys: Sequence[str]) -> list[Held]:
        return [
            Held(key, len(self._contents[key]), self._came_at.get(key, 0.0))
            for key in keys
            if key in self._contents
        ]

    def check(self) -> str:
        return f"memory, {len(self._contents)} instances"
