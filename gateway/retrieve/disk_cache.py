"""Copies of instances in the data folder, so that a frame of a large one is a read of one place.

Safe among threads and processes that share the folder: a copy appears whole, by its last rename,
and whoever has it open goes on reading when another removes it. Copies are not synced to the disk:
what a crash of the machine leaves is passed over, since each boot has a folder of its own.
"""

import errno
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

from gateway.settings import Settings

log = logging.getLogger(__name__)

LARGE = 32 << 20  # bytes; from this size on an instance is kept in a file and not in memory
SPARE = 256 << 20  # bytes that the copies leave free on their disk
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAME = re.compile(r"([0-9.]{1,64})-([0-9a-f]{64})")
_DRAFT = ".draft"
_ABANDONED_SECONDS = 3600.0  # a draft that nobody has written to for so long is nobody's


class NoRoom(Exception):
    """The copy does not fit on the disk, or may not be written there."""


class DiskCache:
    """The least recently used copies leave when all together exceed `capacity` bytes.

    A copy is known by the SOP Instance UID of its instance and the hash of its content.
    """

    @staticmethod
    def of(settings: Settings) -> "DiskCache":
        return DiskCache(settings.data / "cache", settings.disk_cache_mb << 20)

    def __init__(self, folder: Path, capacity: int) -> None:
        self.capacity = capacity
        self._root = folder
        self._folder = folder / _boot()
        self._swept = False

    def find(self, uid: str, sha256: str) -> Path | None:
        """The copy, if it is there; it counts as used just now."""
        path = self._path(uid, sha256)
        try:
            os.utime(path)
        except OSError:
            return None
        return path

    def fill(self, uid: str, sha256: str, size: int, pieces: Iterable[bytes]) -> Path:
        """Write a copy and make room for it. Raises NoRoom, and what `pieces` raises.

        size: of the copy, bytes, as far as is known.
        """
        path = self._safe_path(uid, sha256)
        self._have_room(size)
        return self._written(path, pieces)

    def fill_many(self, copies: Iterable[tuple[str, str, Callable[[], bytes]]], size: int) -> int:
        """Copies of UID, hash and what gives the bytes; how many there were.

        Room is made once, for the size of all together. Raises as `fill` does.
        """
        self._have_room(size)
        count = 0
        for uid, sha256, read in copies:
            self._written(self._safe_path(uid, sha256), [read()])
            count += 1
        return count

    def adopt(self, uid: str, sha256: str, file: Path) -> None:
        """Take a file that is there already as the copy; where that cannot be, it stays."""
        try:
            size = file.stat().st_size
            if size <= self.capacity and _NAME.fullmatch(f"{uid}-{sha256}"):
                self._make_room(size)
                os.utime(file)
                file.rename(self._path(uid, sha256))
        except OSError as error:
            log.info("a large instance was not kept at hand", extra={"reason": error.strerror})

    def all(self) -> Sequence[tuple[str, str]]:
        """UID and hash of every copy."""
        names = (path.name for path in self._folder.glob("*"))
        return [(found[1], found[2]) for name in names if (found := _NAME.fullmatch(name))]

    def remove(self, uid: str, sha256: str) -> None:
        """Not being there is no error."""
        self._path(uid, sha256).unlink(missing_ok=True)

    def remove_unused(self, since: float) -> None:
        """Remove the copies that were last used before a time, seconds since the epoch."""
        for used, _, path in _copies(self._folder):
            if used < since:
                path.unlink(missing_ok=True)

    def _safe_path(self, uid: str, sha256: str) -> Path:
        if not _NAME.fullmatch(f"{uid}-{sha256}"):
            raise NoRoom("the UID is none, and could be a path that leads elsewhere")
        return self._path(uid, sha256)

    def _written(self, path: Path, pieces: Iterable[bytes]) -> Path:
        """The copy appears whole. Raises NoRoom, and what `pieces` raises."""
        draft = path.with_name(f"{uuid4().hex}{_DRAFT}")
        try:
            with draft.open("xb") as file:
                for piece in pieces:
                    file.write(piece)
            draft.rename(path)
        except OSError as error:
            raise NoRoom(error.strerror or type(error).__name__) from error
        finally:
            draft.unlink(missing_ok=True)
        return path

    def _have_room(self, size: int) -> None:
        try:
            self._make_room(size)
        except OSError as error:
            raise NoRoom(error.strerror or type(error).__name__) from error

    def _path(self, uid: str, sha256: str) -> Path:
        return self._folder / f"{uid}-{sha256}"

    def _make_room(self, size: int) -> None:
        self._sweep()
        self._folder.mkdir(parents=True, exist_ok=True)
        copies = sorted(_copies(self._folder))
        held = sum(length for _, length, _ in copies)
        free = shutil.disk_usage(self._folder).free - SPARE
        for used, length, path in copies:
            if held + size <= self.capacity and size <= free:
                return
            log.info("copy of a large instance removed", extra={"used_at": used, "bytes": length})
            path.unlink(missing_ok=True)
            held, free = held - length, free + length
        if size > free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _sweep(self) -> None:
        """Once: what other boots of this machine left, and drafts of processes that were killed."""
        if self._swept:
            return
        self._swept = True
        for left in self._root.glob("*"):
            if left != self._folder:
                shutil.rmtree(left, ignore_errors=True)
        before = time.time() - _ABANDONED_SECONDS
        for draft in self._folder.glob(f"*{_DRAFT}"):
            if draft.stat().st_mtime < before:
                draft.unlink(missing_ok=True)


def _copies(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """When last used, how long, and where; drafts count too, but are never the oldest."""
    for path in folder.glob("*"):
        try:
            told = path.stat()
        except FileNotFoundError:
            continue  # another process removed it
        yield told.st_mtime, told.st_size, path


def _boot() -> str:
    """What names this boot of the machine; without it, copies serve one process only."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return uuid4().hex
