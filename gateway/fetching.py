"""What the likely models of a study will read is fetched while the study is quiet.

Nothing depends on it: a study that completes at once, or otherwise than it looked, is read from
the archive.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.errors import ArchiveUnavailable
from gateway.completion import RECEIVING
from gateway.file_lock import locked_file
from gateway.inputs import InputCopies
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, StudyRow

LOOK_SECONDS = 0.2
SETTLED_SECONDS = 0.3  # without an arrival; before that a sender is likely amid its images
RECENT_SECONDS = 600.0  # a study that has been open for longer waits for something else
FORGET_SECONDS = 60.0

log = logging.getLogger(__name__)

LikelyInputs = Callable[[Session, StudyRow], Sequence[InstanceRow]]


class Fetching:
    """Looks at the studies that have just gone quiet; one process of a data folder does it.

    likely: the instances that would be read, were the study complete now.
    """

    def __init__(
        self, database: Database, copies: InputCopies, data: Path, likely: LikelyInputs
    ) -> None:
        self._database, self._copies, self._likely = database, copies, likely
        self._lock = data / "locks" / "fetching.lock"
        self._done: dict[str, float] = {}  # studies, and the arrival up to which they were fetched

    def start(self) -> None:
        if self._copies.capacity:
            threading.Thread(target=self._run, name="fetching", daemon=True).start()

    def look(self) -> int:
        """Fetch for the studies that have settled since the last look; how many instances."""
        now = time.time()
        with self._database.read() as session:
            query = select(StudyRow).where(
                StudyRow.state == RECEIVING,
                StudyRow.last_arrival_at > now - RECENT_SECONDS,
                StudyRow.last_arrival_at <= now - SETTLED_SECONDS,
            )
            open_studies = session.scalars(query).all()
            settled = [row for row in open_studies if self._is_new(row)]
            wanted = {
                row.study_instance_uid: (row.last_arrival_at, self._likely(session, row))
                for row in settled
            }
        known = {row.study_instance_uid for row in open_studies}
        self._done = {uid: at for uid, at in self._done.items() if uid in known}
        return sum(self._fetch(uid, *asked) for uid, asked in wanted.items())

    def _is_new(self, row: StudyRow) -> bool:
        return self._done.get(row.study_instance_uid) != row.last_arrival_at

    def _fetch(self, uid: str, arrived_at: float, rows: Sequence[InstanceRow]) -> int:
        """Until the study completes: then its job reads the rest itself."""
        count = self._copies.fetch(rows, lambda: not self._is_open(uid))
        self._done[uid] = arrived_at
        return count

    def _is_open(self, uid: str) -> bool:
        state = select(StudyRow.state).where(StudyRow.study_instance_uid == uid)
        with self._database.read() as session:
            return session.scalar(state) == RECEIVING

    def _run(self) -> None:
        """One process of those that share the data folder, until it ends; then another does it."""
        with locked_file(self._lock):
            forget_at = 0.0
            while True:
                try:
                    self.look()
                    if forget_at <= time.time():
                        self._copies.forget_old()
                        forget_at = time.time() + FORGET_SECONDS
                except ArchiveUnavailable as error:
                    log.info("inputs were not fetched ahead", extra={"reason": str(error)})
                except Exception:  # the loop outlives any failure; jobs read for themselves
                    log.exception("inputs were not fetched ahead; trying again")
                time.sleep(LOOK_SECONDS)
