"""The bytes that models read: copies beside the worker where there are some, else the archive."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from adapters.archive import Archive, HasFiles
from adapters.errors import NotInArchive
from gateway.retrieve.disk_cache import DiskCache, NoRoom
from gateway.settings import Settings
from gateway.store.tables import InstanceRow

KEPT_SECONDS = 900.0  # copies that no job has read by then are in nobody's way any more

log = logging.getLogger(__name__)


class InputCopies:
    """Safe among the workers that share a data folder.

    Copies are made while a study is quiet, so that its job need not wait for the archive. None is
    needed: whatever is not there, or not whole, is read from the archive.
    """

    @staticmethod
    def of(archive: Archive, settings: Settings) -> "InputCopies":
        """Where the archive is a folder of files, copies of them would win nothing."""
        capacity = 0 if isinstance(archive, HasFiles) else settings.fetch_ahead_mb << 20
        return InputCopies(archive, settings.data / "inputs", capacity)

    def __init__(self, archive: Archive, folder: Path, capacity: int) -> None:
        self._archive, self.capacity = archive, capacity
        self._copies = DiskCache(folder, capacity)

    def reads(self, rows: Sequence[InstanceRow]) -> list[Callable[[], bytes]]:
        """For each instance what gives its bytes. Each raises as Archive.read does."""
        return [
            partial(self._read, row.sop_instance_uid, row.sha256, row.size, row.archive_key)
            for row in rows
        ]

    def fetch(self, rows: Sequence[InstanceRow], stop: Callable[[], bool]) -> int:
        """Copy those that are not here yet, until `stop` says so; how many were copied.

        All or none that fit at once: the first that had to go would be the first that is read.
        Raises ArchiveUnavailable.
        """
        wanted = [
            row for row in rows if self._copies.find(row.sop_instance_uid, row.sha256) is None
        ]
        size = sum(row.size for row in wanted)
        if not wanted or size + sum(row.size for row in rows) > self.capacity:
            return 0
        try:
            return self._copies.fill_many(
                (
                    (row.sop_instance_uid, row.sha256, partial(self._archive.read, row.archive_key))
                    for row in wanted
                    if not stop()
                ),
                size,
            )
        except (NoRoom, NotInArchive) as error:
            log.info("inputs were not fetched ahead", extra={"reason": str(error)})
            return 0

    def forget(self, rows: Sequence[InstanceRow]) -> None:
        for row in rows:
            self._copies.remove(row.sop_instance_uid, row.sha256)

    def forget_old(self) -> None:
        self._copies.remove_unused(time.time() - KEPT_SECONDS)

    def _read(self, uid: str, sha256: str, size: int, archive_key: str) -> bytes:
        path = self._copies.find(uid, sha256)
        if path is not None:
            try:
                content = path.read_bytes()
            except OSError as error:
                log.info("a fetched input cannot be read", extra={"reason": error.strerror})
            else:
                if len(content) == size:
                    return content
        return self._archive.read(archive_key)
