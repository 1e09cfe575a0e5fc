"""How a workitem ends, whoever ends it; and that whoever waited for its end is told so."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from gateway.chains import links
from gateway.outcomes import Outcome
from gateway.store.tables import WorkitemRow
from gateway.ups import rows


def end(
    session: Session, row: WorkitemRow, step: rows.Json, outcome: Outcome, reason: str = ""
) -> None:
    """-> COMPLETED or CANCELED. step: the data set in that state."""
    row.outcome, row.reason, row.awaits_place = outcome, reason, False
    row.ended_at = datetime.now(UTC).timestamp()
    rows.put(session, row, step)
    links.wake(session, row.sop_instance_uid)
