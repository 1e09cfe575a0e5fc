"""Places: how many workitems of one model version the workers perform at once (ai_models/card.py).

Work that finds all places taken stands in line, the most urgent first, and keeps no worker busy:
gateway/dispatch.py makes its job when it is next. Whether it has its place is decided when it is
claimed, by one claim of the model at a time.
"""

import time
from collections.abc import Sequence

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from gateway.jobs import PRIORITIES
from gateway.shadow import SHADOW
from gateway.store.events import note
from gateway.store.tables import WorkitemRow
from standards.ups import State

# These have a place: a worker is on them, or was until it died.
_PERFORMED = (
    (WorkitemRow.procedure_step_state == State.IN_PROGRESS)
    & ~WorkitemRow.claimed_outside
    & ~WorkitemRow.awaits_place
    & WorkitemRow.not_before.is_(None)
)
_MOST_URGENT = (
    case(PRIORITIES, value=WorkitemRow.priority),
    WorkitemRow.stage == SHADOW,
    WorkitemRow.created_at,
    WorkitemRow.sop_instance_uid,
)


def ask(session: Session, row: WorkitemRow) -> bool:
    """Whether the workitem, whose row is held, is to have its job now; else it stands in line.

    One that is put off has its job at once, which comes when it is time.
    """
    return row.not_before is not None or _is_next(session, row)


def take(session: Session, row: WorkitemRow) -> bool:
    """Whether the workitem, whose row is held, may be performed now; else it stands in line.

    One that is claimed anew, since its worker died, has its place already.
    """
    if row.concurrency is None or _is_performed(row):
        return True
    if session.get_bind().dialect.name != "sqlite":  # whose writers come one after another anyway
        model = f"airgate places {row.model_name} {row.model_version}"
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:model))"), {"model": model})
    return _is_next(session, row)


def called(session: Session) -> list[WorkitemRow]:
    """Rows, held, of those in line that are next and have no job yet."""
    has_no_job = WorkitemRow.awaits_place & WorkitemRow.not_before.is_not(None)
    models = select(WorkitemRow.model_name, WorkitemRow.model_version, WorkitemRow.concurrency)
    lines = session.execute(models.where(has_no_job).distinct()).all()
    uids = [uid for line in lines for uid in _next(session, *line)]
    rows = select(WorkitemRow).where(has_no_job, WorkitemRow.sop_instance_uid.in_(uids))
    return list(session.scalars(rows.with_for_update(skip_locked=True)))


def _is_next(session: Session, row: WorkitemRow) -> bool:
    """Whether a place is free for it, beside those before it; what is to be canceled needs none."""
    if row.concurrency is None or row.cancel_requested_at is not None:
        return True
    stood = row.awaits_place
    row.awaits_place, row.not_before = True, None
    session.flush()
    if row.sop_instance_uid in _next(session, row.model_name, row.model_version, row.concurrency):
        return True
    row.not_before = time.time()
    if not stood:
        told = {"places": row.concurrency}
        uid = row.sop_instance_uid
        note(session, row.study_instance_uid, "place_awaited", told, workitem_uid=uid)
    return False


def _next(session: Session, name: str, version: str, places: int) -> Sequence[str]:
    of_model = (WorkitemRow.model_name == name) & (WorkitemRow.model_version == version)
    taken = session.scalar(select(func.count()).where(of_model, _PERFORMED))
    line = select(WorkitemRow.sop_instance_uid).where(of_model, WorkitemRow.awaits_place)
    return session.scalars(line.order_by(*_MOST_URGENT).limit(max(0, places - (taken or 0)))).all()


def _is_performed(row: WorkitemRow) -> bool:
    """What _PERFORMED asks of a row that no performer outside has."""
    in_progress = row.procedure_step_state == State.IN_PROGRESS
    return in_progress and not row.awaits_place and row.not_before is None
