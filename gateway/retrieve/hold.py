"""Stored instances at hand: small ones in memory, large ones in a local file.

A copy is found by the content hash that the index tells at this very request. So an instance that
was deleted or replaced, by whichever process, is never given from a copy: its row is gone or names
another content. `sweep` lets go of such copies, so that the bytes are gone too.
"""

import logging
import mmap
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from io import FileIO
from pathlib import Path
from threading import BoundedSemaphore, Lock

from adapters.archive import Archive, HasFiles
from adapters.errors import NotInArchive
from gateway.retrieve.disk_cache import LARGE, DiskCache, NoRoom
from gateway.retrieve.located import Located
from gateway.retrieve.pixels import StoredPixels
from gateway.retrieve.recent import Recent
from standards.elements import Buffer
from standards.frames import Span

log = logging.getLogger(__name__)

_NO_WAIT = getattr(os, "RWF_NOWAIT", 0)  # Linux
_OPEN_FILE = 4 << 20  # bytes
_MIDDLING = 4 << 20  # bytes; from this size on only a few are read at one time
_AT_ONE_TIME = 4

Key = tuple[str, str]  # SOP Instance UID, and the hash of the content


class Held:
    """The bytes of one instance. Safe among threads; what is open closes with the last user.

    file: of a large one; `content` is then its map.
    """

    def __init__(self, content: Buffer, sop_instance_uid: str, file: FileIO | None = None) -> None:
        self.content = content
        self.pixels: StoredPixels | None = None  # once they were asked for
        self._sop_instance_uid = sop_instance_uid
        self._file = file

    def parsed(self) -> StoredPixels:
        """Raises NotDicom, NoPixelData, UnusablePixelData."""
        if self.pixels is None:
            self.pixels = StoredPixels(self.content, self._sop_instance_uid)
        return self.pixels

    @property
    def weight(self) -> int:
        """Bytes of memory; an open file counts as some, lest there be too many."""
        content = _OPEN_FILE if self._file else len(self.content)
        return content + (self.pixels.resident if self.pixels else 0)

    def at_once(self, span: Span) -> Buffer | memoryview | None:
        """The bytes of a span, if they come without waiting for a disk."""
        if self._file is None:
            return memoryview(self.content)[span.offset : span.offset + span.length]
        found = bytearray(span.length)
        try:
            got = os.preadv(self._file.fileno(), [found], span.offset, _NO_WAIT)
        except OSError:  # nothing of it is in memory, or the file system cannot tell
            return None
        return memoryview(found) if got == span.length else None


class Hold:
    """Instances of one archive. memory: capacity in bytes; disk: where large ones are copied to."""

    def __init__(self, archive: Archive, disk: DiskCache, memory: int) -> None:
        self._archive = archive
        self._disk = disk
        self._recent: Recent[Key, Held] = Recent(memory)
        self._flights = _Flights()
        self._few = BoundedSemaphore(_AT_ONE_TIME)

    @property
    def most_at_once(self) -> int:
        """Bytes that one request may bring in without driving out what others use."""
        return self._recent.capacity // 2

    def at_hand(self, instance: Located) -> Held | None:
        """Only what is there already."""
        return self._recent.get(_key(instance))

    def of(self, instance: Located) -> Held:
        """The instance, read from the archive once however many ask for it at one time.

        Raises NotInArchive, ArchiveUnavailable.
        """
        key = _key(instance)
        if (held := self._recent.get(key)) is not None:
            return held
        with self._flights.alone(key):
            if (held := self._recent.get(key)) is not None:
                return held
            with self._few if instance.size >= _MIDDLING else nullcontext():
                held = self._fetched(instance)
            self._recent.put(key, held, held.weight)
            return held

    def pixels(self, instance: Located) -> StoredPixels:
        """Its frames. Raises NoPixelData, UnusablePixelData, NotInArchive, ArchiveUnavailable."""
        held = self.of(instance)
        if held.pixels is not None:
            return held.pixels
        pixels = held.parsed()
        self._recent.put(_key(instance), held, held.weight)
        return pixels

    def sweep(self, current: Callable[[Collection[Key]], Collection[Key]]) -> None:
        """Let go of the copies of what was deleted or replaced, here and on disk.

        current: tells which of these the index still names.
        """
        held = {*self._recent.keys(), *self._disk.all()}
        left = held - set(current(held))
        self._recent.remove(left)
        for key in left:
            self._disk.remove(*key)

    def _fetched(self, instance: Located) -> Held:
        uid = instance.sop_instance_uid
        if instance.size < LARGE:
            return Held(self._archive.read(instance.archive_key), uid)
        try:
            file = FileIO(self._file(instance))
        except NoRoom as error:
            log.warning("no copy of a large instance", extra={"reason": str(error)})
            return Held(self._archive.read(instance.archive_key), uid)
        except FileNotFoundError as error:  # removed since it was found
            raise NotInArchive(instance.archive_key) from error
        return Held(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), uid, file)

    def _file(self, instance: Located) -> Path:
        if isinstance(self._archive, HasFiles):
            return self._archive.file(instance.archive_key)
        found = self._disk.find(*_key(instance))
        if found is not None:
            return found
        pieces = self._archive.stream(instance.archive_key)
        return self._disk.fill(*_key(instance), instance.size, pieces)


class _Flights:
    """One at a time for each key; nothing is kept of a key that nobody waits for."""

    def __init__(self) -> None:
        self._waiting: dict[Key, tuple[Lock, int]] = {}
        self._lock = Lock()

    @contextmanager
    def alone(self, key: Key) -> Iterator[None]:
        with self._lock:
            lock, users = self._waiting.get(key, (Lock(), 0))
            self._waiting[key] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._waiting.pop(key)
                if users > 1:
                    self._waiting[key] = (lock, users - 1)


def _key(instance: Located) -> Key:
    return instance.sop_instance_uid, instance.sha256
