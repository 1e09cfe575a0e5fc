"""Whether index and archive hold as many instances as after the last walk: deletions show here."""

import time

from sqlalchemy import func, select

from adapters.orthanc_changes import OrthancChanges
from gateway.quarantine import in_archive
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, QuarantineRow

LOOK_SECONDS = 10.0
LOOK_SHARE = 100  # looking takes at most one hundredth of the time
WALK_PAUSE_SECONDS = 30.0
WALK_SHARE = 20  # and walks for nothing one twentieth


class Balance:
    """Instances there less those here. Requests under way make it larger for a while."""

    def __init__(self, database: Database, changes: OrthancChanges) -> None:
        self._database, self._changes = database, changes
        self._settled: int | None = None  # what it was after the last walk
        self._last: int | None = None
        self._next_look = self._next_walk = 0.0

    def walked(self, seconds: float) -> None:
        """A walk has just ended: what differs now is not to be mended by one.

        seconds: what it took beside indexing.
        """
        self._settled, self._last = self._difference(), None
        self._next_walk = time.monotonic() + max(WALK_PAUSE_SECONDS, seconds * WALK_SHARE)

    def asks_for_walk(self) -> bool:
        """True when it changed, twice the same or twice below, so that no request explains it."""
        now = time.monotonic()
        if self._settled is None or now < self._next_look:
            return False
        difference, before = self._difference(), self._last
        took = time.monotonic() - now
        self._next_look = now + max(LOOK_SECONDS, took * LOOK_SHARE)
        self._last = difference
        if before is None or difference == self._settled or now < self._next_walk:
            return False
        return difference == before or max(difference, before) < self._settled

    def _difference(self) -> int:
        with self._database.read() as session:
            indexed = session.scalar(select(func.count()).select_from(InstanceRow)) or 0
            path = QuarantineRow.path.startswith(in_archive(""))
            refused = session.scalar(select(func.count()).where(path)) or 0
        return self._changes.count() - indexed - refused
