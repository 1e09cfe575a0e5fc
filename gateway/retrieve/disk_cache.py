"""Copies of large instances in the data folder, so that a frame of one is a read of one place.

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
from collections.abc import Iterable, Iterator, Sequence
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
        if not _NAME.fullmatch(f"{uid}-{sha256}"):
            raise NoRoom("the UID is none, and could be a path that leads elsewhere")
        path = self._path(uid, sha256)
        draft = path.with_name(f"{uuid4().hex}{_DRAFT}")
        try:
            self._make_room(size)
            with draft.open("xb") as file:
                for piece in pieces:
                    file.write(piece)
            draft.rename(path)
        except OSError as error:
            raise NoRoom(error.strerror or type(error).__name__) from error
        finally:
            draft.unlink(missing_ok=True)
        return path

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
