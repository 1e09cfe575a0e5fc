"""The worklist: workitems and their states. The UPS workitem is the job; there is no second one."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from pydicom import Dataset
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.errors import NotFound
from gateway.registry import RegisteredModel
from gateway.store.database import Database
from gateway.store.events import note
from gateway.store.tables import InstanceRow, WorkitemRow
from standards import ups
from standards.study import Header, Series, value
from standards.uids import derived_uid

# A job that was claimed so often and never ended kills its workers: it is given up.
MAXIMUM_ATTEMPTS = 5


def create(
    session: Session, model: RegisteredModel, study_instance_uid: str, series: Series, rule: str
) -> WorkitemRow | None:
    """One workitem per model build and input set; None when that one exists already."""
    inputs = ",".join(series.sop_instance_uids)
    uid = derived_uid("workitem", model.algorithm.device_uid, series.series_instance_uid, inputs)
    if session.get(WorkitemRow, uid) is not None:
        return None
    now = datetime.now(UTC)
    order = ups.Order(
        uid,
        study_instance_uid,
        [_reference(header) for header in series.headers],
        model.performer,
        label=model.card.title,
        worklist="AIRGATE",
        at=now,
    )
    step = ups.scheduled(order, _patient(series.first))
    row = WorkitemRow(
        sop_instance_uid=uid,
        study_instance_uid=study_instance_uid,
        series_instance_uid=series.series_instance_uid,
        procedure_step_state=ups.State.SCHEDULED,
        model_name=model.card.name,
        model_version=model.card.version,
        model_digest=model.digest,
        rule=rule,
        dataset=json.dumps(step),
        created_at=now.timestamp(),
    )
    session.add(row)
    session.flush()
    return row


def claim(database: Database, uid: str) -> WorkitemRow | None:
    """SCHEDULED -> IN PROGRESS; None when there is nothing to do any more.

    A workitem already IN PROGRESS is claimed anew: the engine gives each job to one worker, so
    its former performer is dead. `started_at` stays, so that a repeat writes the same bytes.
    """
    with database.write() as session:
        row = _locked(session, uid)
        if row.procedure_step_state not in (ups.State.SCHEDULED, ups.State.IN_PROGRESS):
            return None
        now = datetime.now(UTC)
        if row.procedure_step_state == ups.State.SCHEDULED:
            row.procedure_step_state = ups.State.IN_PROGRESS
            row.started_at = now.timestamp()
            row.dataset = json.dumps(ups.claimed(json.loads(row.dataset), now))
        row.transaction_uid = f"2.25.{uuid.uuid4().int}"
        row.attempts += 1
        note(
            session,
            row.study_instance_uid,
            "claimed",
            {"attempt": row.attempts},
            workitem_uid=uid,
        )
        return row


def give_back(database: Database, claimed: WorkitemRow, why: str) -> None:
    """The outside was away: this attempt does not count."""
    with database.write() as session:
        row = _locked(session, claimed.sop_instance_uid)
        row.attempts -= 1
        note(
            session,
            row.study_instance_uid,
            "put_off",
            {"reason": why},
            workitem_uid=row.sop_instance_uid,
        )


def complete(
    session: Session,
    claimed: WorkitemRow,
    performer: ups.Performer,
    outputs: Sequence[ups.InstanceReference],
    results: dict[str, object],
) -> bool:
    """IN PROGRESS -> COMPLETED in the caller's transaction; False when another one was faster."""
    row = _locked(session, claimed.sop_instance_uid)
    if row.transaction_uid != claimed.transaction_uid:
        return False
    now = datetime.now(UTC)
    row.procedure_step_state = ups.State.COMPLETED
    row.outcome, row.progress, row.ended_at = "DONE", 100, now.timestamp()
    row.results = json.dumps(results)
    row.dataset = json.dumps(ups.completed(json.loads(row.dataset), performer, outputs, now))
    note(session, row.study_instance_uid, "done", workitem_uid=row.sop_instance_uid)
    return True


def cancel(
    session: Session,
    claimed: WorkitemRow,
    outcome: str,
    reason: str,
    results: dict[str, object] | None = None,
) -> bool:
    """-> CANCELED with the outcome (NO_RESULT, FAILED, TIMED_OUT) and its reason in words."""
    row = _locked(session, claimed.sop_instance_uid)
    if row.transaction_uid != claimed.transaction_uid:
        return False
    now = datetime.now(UTC)
    row.procedure_step_state = ups.State.CANCELED
    row.outcome, row.reason, row.ended_at = outcome, reason, now.timestamp()
    row.results = json.dumps(results) if results else ""
    step = ups.canceled(json.loads(row.dataset), reason, ups.DISCONTINUED[outcome], now)
    row.dataset = json.dumps(step)
    note(
        session,
        row.study_instance_uid,
        outcome.lower(),
        {"reason": reason},
        workitem_uid=row.sop_instance_uid,
    )
    return True


def input_instances(database: Database, row: WorkitemRow) -> list[InstanceRow]:
    """The index rows of exactly the instances that the workitem names."""
    step = Dataset.from_json(json.loads(row.dataset))
    uids = [
        str(reference.ReferencedSOPInstanceUID)
        for item in step.InputInformationSequence
        for reference in item.ReferencedSOPSequence
    ]
    with database.read() as session:
        query = select(InstanceRow).where(
            InstanceRow.series_instance_uid == row.series_instance_uid
        )
        found = {one.sop_instance_uid: one for one in session.scalars(query)}
    missing = [uid for uid in uids if uid not in found]
    if missing:
        raise NotFound("input instance", missing[0])
    return [found[uid] for uid in uids]


def _locked(session: Session, uid: str) -> WorkitemRow:
    row = session.get(WorkitemRow, uid, with_for_update=True)
    if row is None:
        raise NotFound("workitem", uid)
    return row


def _patient(header: Header) -> Dataset:
    return Dataset.from_json({tag: header[tag] for tag in ups.PATIENT_TAGS if tag in header})


def _reference(header: Header) -> ups.InstanceReference:
    return ups.InstanceReference(
        str(value(header, "SOPClassUID")),
        str(value(header, "SOPInstanceUID")),
        str(value(header, "SeriesInstanceUID")),
    )
