"""The read side of one gateway: its index, its archive, and what was read a moment ago."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy import bindparam, select

from adapters.archive import Archive
from gateway.repeating import repeating
from gateway.retrieve.answers import Answer
from gateway.retrieve.disk_cache import DiskCache
from gateway.retrieve.hold import Hold, Key
from gateway.retrieve.located import Located
from gateway.retrieve.neighbours import Neighbours
from gateway.retrieve.pixels import StoredPixels
from gateway.retrieve.quick_rows import QuickRows
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.tables import InstanceRow

__all__ = ["Answer", "Retrieval"]

log = logging.getLogger(__name__)

_SWEEP_SECONDS = 60.0
_AT_ONCE = 500  # UIDs in one SELECT
_CONTENTS = select(InstanceRow.sop_instance_uid, InstanceRow.sha256).where(
    InstanceRow.sop_instance_uid.in_(bindparam("uids", expanding=True))
)


@dataclass(frozen=True)
class Retrieval:
    """One for each process that answers requests; safe among its threads."""

    database: Database
    archive: Archive
    hold: Hold
    neighbours: Neighbours
    quick_rows: QuickRows

    @staticmethod
    def of(database: Database, archive: Archive, settings: Settings) -> "Retrieval":
        hold = Hold(archive, DiskCache.of(settings), settings.memory_cache_mb << 20)
        return Retrieval(database, archive, hold, Neighbours(database, hold), QuickRows(database))

    def pixels(self, instance: Located) -> StoredPixels:
        """The frames of an instance, and those of its neighbours soon.

        Raises NoPixelData, UnusablePixelData, NotInArchive, ArchiveUnavailable.
        """
        was_there = self.hold.at_hand(instance) is not None
        pixels = self.hold.pixels(instance)
        self.neighbours.asked_for(instance, was_there=was_there)
        return pixels

    def sweep(self) -> None:
        """Let go of the copies of instances that were deleted or replaced, by whichever process.

        No answer depends on it: see gateway.retrieve.hold. It is the bytes that have to go.
        """
        self.hold.sweep(partial(_current, self.database))

    @contextmanager
    def sweeping(self) -> Iterator[None]:
        """Sweep now and then while the block runs; afterwards nothing is read ahead any more."""
        failed = "copies were not swept"
        try:
            with repeating(
                self.sweep, name="sweep", seconds=_SWEEP_SECONDS, failed=failed, log=log
            ):
                yield
        finally:
            self.neighbours.close()


def _current(database: Database, keys: Collection[Key]) -> set[Key]:
    """Which of these the index names."""
    uids = sorted({uid for uid, _ in keys})
    found: set[Key] = set()
    with database.read() as session:
        for start in range(0, len(uids), _AT_ONCE):
            batch = {"uids": uids[start : start + _AT_ONCE]}
            found.update(session.execute(_CONTENTS, batch).tuples())
    return found
