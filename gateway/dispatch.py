"""Jobs for work that waits without one: `not_before` says so, and each worker looks twice a second.

It was ordered or is to be canceled by a process that has no engine and only changes the row, or
has found no place (gateway/places.py).
"""

from sqlalchemy import or_, select

from gateway import places
from gateway.jobs import Jobs
from gateway.store.database import Database
from gateway.store.tables import WorkitemRow
from standards.ups import State

SWEEP_SECONDS = 0.5
AT_ONCE = 100


class Dispatch:
    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._database, self._jobs = database, jobs

    def sweep(self) -> int:
        """Make the jobs that are wanted; how many were."""
        with self._database.read() as session:
            if session.scalar(_WAITING.limit(1)) is None:
                return 0
        with self._database.write() as session:
            query = _WANTED.limit(AT_ONCE).with_for_update(skip_locked=True)
            found = [*session.scalars(query), *places.called(session)]
            for row in found:
                row.put_offs += 1  # the job that waits, if there is one, is void
                row.not_before = None
                self._jobs.enqueue(session, row.sop_instance_uid)
        return len(found)


_WITHOUT_JOB = select(WorkitemRow).where(WorkitemRow.not_before.is_not(None))
# Ordered or, where it stands on other work, ready (no SCHEDULED work was ever put off); or to be
# canceled while it waits.
_ORDERED = (WorkitemRow.procedure_step_state == State.SCHEDULED) & ~WorkitemRow.awaits_place
_CANCELED = WorkitemRow.cancel_requested_at.is_not(None)
_WANTED = _WITHOUT_JOB.where(or_(_ORDERED, _CANCELED))
_WAITING = _WITHOUT_JOB.where(or_(_ORDERED, _CANCELED, WorkitemRow.awaits_place))
