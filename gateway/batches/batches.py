"""Batches and the fate of their lines: made, looked at, paused, resumed, canceled."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Select, and_, func, insert, select, update
from sqlalchemy.orm import Session

from gateway.batches.listing import Listing
from gateway.errors import Conflict, NotFound
from gateway.registry import RegisteredModel
from gateway.store.database import Database
from gateway.store.tables import BatchLineRow, BatchRow, WorkitemRow
from gateway.ups import operations
from standards.ups import State
from standards.ups_events import REASON

RULE = "(batch)"  # stands where the work of a rule names it; no rule can be called so
CANCELED = "the batch was canceled"


class BatchState(StrEnum):
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELED = "CANCELED"
    DONE = "DONE"


class LineState(StrEnum):
    """What the row of a line says; what became of ORDERED work, the workitem tells."""

    WAITING = "WAITING"
    ORDERED = "ORDERED"
    NOT_FOUND = "NOT_FOUND"
    UNFIT = "UNFIT"
    CANCELED = "CANCELED"


@dataclass(frozen=True, slots=True)
class Line:
    row: BatchLineRow
    workitem: WorkitemRow | None

    @property
    def fate(self) -> str:
        """waiting, queued, running, not_found, unfit, canceled, or how the work ended."""
        if self.workitem is None:
            return self.row.state.lower()
        return _fate(self.row.state, self.workitem.procedure_step_state, self.workitem.outcome)

    @property
    def reason(self) -> str:
        return self.row.reason or (self.workitem.reason if self.workitem else "")


def make(
    database: Database, model: RegisteredModel, listing: Listing, stage: str, by: str
) -> BatchRow:
    batch = BatchRow(
        id=uuid.uuid4().hex,
        model_name=model.card.name,
        model_version=model.card.version,
        stage=stage,
        kind=listing.kind,
        state=BatchState.RUNNING,
        lines=len(listing.wanted),
        created_by=by,
        created_at=time.time(),
    )
    with database.write() as session:
        session.add(batch)
        session.flush()
        lines = [
            {"batch_id": batch.id, "number": number, "wanted": wanted, "state": LineState.WAITING}
            for number, wanted in enumerate(listing.wanted, start=1)
        ]
        session.execute(insert(BatchLineRow), lines)
    return batch


def newest() -> Select[BatchRow]:
    return select(BatchRow).order_by(BatchRow.created_at.desc(), BatchRow.id)


def known(session: Session, batch_id: str) -> BatchRow:
    """Raises NotFound."""
    row = session.get(BatchRow, batch_id)
    if row is None:
        raise NotFound("batch", batch_id)
    return row


def with_work(batch_id: str) -> Select[BatchLineRow, WorkitemRow]:
    return (
        select(BatchLineRow, WorkitemRow)
        .outerjoin(WorkitemRow, WorkitemRow.sop_instance_uid == BatchLineRow.workitem_uid)
        .where(BatchLineRow.batch_id == batch_id)
        .order_by(BatchLineRow.number)
    )


def lines_of(session: Session, batch_id: str, limit: int, offset: int) -> list[Line]:
    found = session.execute(with_work(batch_id).limit(limit).offset(offset))
    return [Line(row, workitem) for row, workitem in found]


def fates(session: Session, batch_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """How many lines of each batch have which fate."""
    keys = (BatchLineRow.state, WorkitemRow.procedure_step_state, WorkitemRow.outcome)
    query = (
        select(BatchLineRow.batch_id, *keys, func.count())
        .outerjoin(WorkitemRow, WorkitemRow.sop_instance_uid == BatchLineRow.workitem_uid)
        .where(BatchLineRow.batch_id.in_(batch_ids))
        .group_by(BatchLineRow.batch_id, *keys)
    )
    found: dict[str, dict[str, int]] = {batch_id: {} for batch_id in batch_ids}
    for batch_id, state, step, outcome, count in session.execute(query):
        fate = _fate(state, step, outcome)
        found[batch_id][fate] = found[batch_id].get(fate, 0) + count
    return found


def unfinished(session: Session, batch_id: str) -> int:
    """Workitems of the batch that have not ended."""
    query = (
        select(func.count())
        .select_from(BatchLineRow)
        .join(WorkitemRow, WorkitemRow.sop_instance_uid == BatchLineRow.workitem_uid)
    )
    open_ = WorkitemRow.procedure_step_state.in_((State.SCHEDULED, State.IN_PROGRESS))
    return session.scalar(query.where(BatchLineRow.batch_id == batch_id, open_)) or 0


def pause(session: Session, batch_id: str) -> BatchRow:
    """What is queued goes on; nothing is added. Raises NotFound, Conflict."""
    return _change(session, batch_id, BatchState.RUNNING, BatchState.PAUSED)


def resume(session: Session, batch_id: str) -> BatchRow:
    """Raises NotFound, Conflict."""
    return _change(session, batch_id, BatchState.PAUSED, BatchState.RUNNING)


def cancel(database: Database, batch_id: str, by: str) -> None:
    """Nothing more is ordered, and what the batch ordered and has not ended is canceled.

    Work that somebody else ordered goes on. Raises NotFound, Conflict.
    """
    with database.write() as session:
        batch = _locked(session, batch_id)
        if is_ended(batch):
            raise Conflict(f"batch {batch_id} is {batch.state} and cannot be canceled any more")
        batch.state, batch.ended_at = BatchState.CANCELED, time.time()
        waiting = BatchLineRow.state == LineState.WAITING
        session.execute(
            update(BatchLineRow)
            .where(BatchLineRow.batch_id == batch_id, waiting)
            .values(state=LineState.CANCELED)
        )
        own = and_(
            BatchLineRow.is_own,
            WorkitemRow.procedure_step_state.in_((State.SCHEDULED, State.IN_PROGRESS)),
        )
        uids = [line.workitem_uid for line, _ in session.execute(with_work(batch_id).where(own))]
    reason = {REASON: {"vr": "LT", "Value": [CANCELED]}}
    for uid in uids:  # each in its own transaction, as when a person cancels it
        operations.request_cancel(database, uid, reason, by)


def is_ended(batch: BatchRow) -> bool:
    return batch.state in (BatchState.CANCELED, BatchState.DONE)


def _change(session: Session, batch_id: str, expected: BatchState, wanted: BatchState) -> BatchRow:
    batch = _locked(session, batch_id)
    if batch.state not in (expected, wanted):
        raise Conflict(f"batch {batch_id} is {batch.state}; expected {expected}")
    batch.state = wanted
    return batch


def _locked(session: Session, batch_id: str) -> BatchRow:
    row = session.get(BatchRow, batch_id, with_for_update=True)
    if row is None:
        raise NotFound("batch", batch_id)
    return row


def _fate(line: str, step: str | None, outcome: str | None) -> str:
    if line != LineState.ORDERED or step is None:
        return line.lower()
    if step == State.SCHEDULED:
        return "queued"
    return "running" if step == State.IN_PROGRESS else (outcome or step).lower()
