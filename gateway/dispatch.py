"""Jobs for work that was ordered, or is to be canceled, by processes that have no engine.

These only change the row, and each worker looks twice a second: `not_before` says that it waits.
"""

from sqlalchemy import Select, or_, select

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
            if session.scalar(_wanted(1)) is None:
                return 0
        with self._database.write() as session:
            query = _wanted(AT_ONCE).with_for_update(skip_locked=True)
            found = session.scalars(query).all()
            for row in found:
                row.put_offs += 1  # the job that waits, if there is one, is void
                row.not_before = None
                self._jobs.enqueue(session, row.sop_instance_uid)
        return len(found)


def _wanted(limit: int) -> Select[WorkitemRow]:
    """Ordered without a job (none was put off yet), or to be canceled while it is put off."""
    ordered = (WorkitemRow.procedure_step_state == State.SCHEDULED) & (WorkitemRow.put_offs == 0)
    canceled = WorkitemRow.cancel_requested_at.is_not(None)
    waits = select(WorkitemRow).where(WorkitemRow.not_before.is_not(None))
    return waits.where(or_(ordered, canceled)).limit(limit)
