"""Whether work under way is still wanted: looked at now and then by whoever does it."""

import logging
import time

from sqlalchemy import select

from gateway import worklist
from gateway.failures import DATABASE_AWAY, CancelRequested, ClaimLost
from gateway.store.database import Database
from gateway.store.tables import WorkitemRow

LOOK_SECONDS = 0.5
PROGRESS_SECONDS = 2.0

log = logging.getLogger(__name__)


class Watch:
    """Called as often as one likes, with the percentage done; looks twice a second at most.

    Raises CancelRequested and ClaimLost. A database that is away interrupts no work.
    """

    def __init__(self, database: Database, claimed: WorkitemRow) -> None:
        self._database, self._claimed = database, claimed
        self._look_at = self._tell_at = 0.0
        self._told = 0

    def __call__(self, progress: int = 0) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        try:
            self._look()
            if progress > self._told and now >= self._tell_at:
                self._tell_at, self._told = now + PROGRESS_SECONDS, progress
                self._tell(progress)
        except DATABASE_AWAY as error:
            told = {"workitem": self._claimed.sop_instance_uid, "error": type(error).__name__}
            log.warning("cannot look whether work is still wanted", extra=told)

    def _look(self) -> None:
        uid = self._claimed.sop_instance_uid
        query = select(
            WorkitemRow.transaction_uid, WorkitemRow.cancel_requested_at, WorkitemRow.cancel_reason
        ).where(WorkitemRow.sop_instance_uid == uid)
        with self._database.read() as session:
            transaction_uid, requested_at, reason = session.execute(query).one()
        if transaction_uid != self._claimed.transaction_uid:
            raise ClaimLost(uid)
        if requested_at is not None:
            raise CancelRequested(reason)

    def _tell(self, progress: int) -> None:
        with self._database.write() as session:
            worklist.progress(session, self._claimed, progress)
