"""The transactions on one workitem (PS3.18 11.4 to 11.8), for whoever is not a worker of ours.

Each holds the row while it looks at the state and changes it: see gateway/ups/rows.py.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ai_models.card import OUTSIDE
from gateway.chains import links
from gateway.errors import NotFound
from gateway.outcomes import Outcome
from gateway.search.values import text
from gateway.store.database import Database
from gateway.store.events import note
from gateway.store.tables import WorkitemRow
from gateway.ups import ending, rows
from gateway.ups.errors import WorkitemExists
from gateway.ups.notifications import notify, subscribers
from standards import ups
from standards.study import value, values
from standards.ups import State
from standards.ups_attributes import SOP_INSTANCE_UID, TRANSACTION_UID
from standards.ups_events import OF_CANCEL_REQUEST, REASON, cancel_requested
from standards.ups_rules import (
    changed_step,
    created_scheduled,
    lacking_to_complete,
    new_step,
    text_of,
)
from standards.ups_transitions import (
    check_cancel_request,
    check_change,
    check_final,
    check_ready,
    check_update,
    unreachable,
)

Json = dict[str, Any]

NO_REASON = "canceled on request, no reason was given"
BY_PERFORMER = "canceled by its performer"
LONGEST_AE_TITLE = 16


def create(database: Database, uid: str, given: Json, by: str) -> bool:
    """A new workitem; whether attributes had to be added to it.

    given:  canonical. by:  name of the token, for the trace. Raises InvalidWorkitem,
    WorkitemExists.
    """
    created_scheduled(given)
    identity = {
        "00080016": {"vr": "UI", "Value": [ups.PUSH]},
        SOP_INSTANCE_UID: {"vr": "UI", "Value": [uid]},
    }
    step, added = new_step({**given, **identity})
    step.pop(TRANSACTION_UID)
    try:
        with database.write() as session:
            if session.get(WorkitemRow, uid) is not None:
                raise WorkitemExists(uid)
            _add(session, uid, step, by)
    except IntegrityError as error:  # another request was faster
        raise WorkitemExists(uid) from error
    return bool(added)


def retrieve(database: Database, uid: str) -> Json:
    """The data set, which never holds the Transaction UID. Raises NotFound."""
    with database.read() as session:
        row = session.get(WorkitemRow, uid)
    if row is None:
        raise NotFound("workitem", uid)
    return rows.step_of(row)


def update(database: Database, uid: str, transaction_uid: str, changes: Json) -> bool:
    """Set attributes; whether some of them were passed over. Raises WorkitemRefused and others."""
    told = {tag: element for tag, element in changes.items() if tag != TRANSACTION_UID}
    with database.write() as session:
        row = rows.locked(session, uid)
        state = State(row.procedure_step_state)
        check_update(state, owner=row.transaction_uid, given=transaction_uid)
        step, passed_over = changed_step(rows.step_of(row), told)
        rows.put(session, row, step)
    return passed_over


def change_state(
    database: Database, uid: str, wanted: State, transaction_uid: str, by: str
) -> bool:
    """Claim, complete or cancel; False where it is in that state already.

    by:  name of the token, for the trace. Raises NotFound, WorkitemRefused.
    """
    with database.write() as session:
        row = rows.locked(session, uid)
        state, step = State(row.procedure_step_state), rows.step_of(row)
        if not check_change(state, wanted, owner=row.transaction_uid, given=transaction_uid):
            return False
        told = {"by": by}
        if wanted is State.IN_PROGRESS:
            check_ready(is_complete=not links.awaits(session, uid))
            in_progress = ups.in_state(step, wanted)
            rows.begin(session, row, in_progress, transaction_uid, outside=True)
            note(session, row.study_instance_uid, "claimed_outside", told, workitem_uid=uid)
        elif wanted is State.COMPLETED:
            check_final(lacking_to_complete(step))
            row.progress = 100
            ending.end(session, row, ups.in_state(step, wanted), Outcome.DONE)
            note(session, row.study_instance_uid, "done", told, workitem_uid=uid)
        else:
            ended = ups.canceled_by_performer(step, datetime.now(UTC))
            reason = _reason(ended) or BY_PERFORMER
            ending.end(session, row, ended, Outcome.CANCELED, reason)
            told["reason"] = reason
            note(session, row.study_instance_uid, "canceled", told, workitem_uid=uid)
    return True


def request_cancel(database: Database, uid: str, request: Json, by: str) -> bool:
    """Cancel what is SCHEDULED, ask the performer of what is IN PROGRESS; False where it is done.

    A worker of ours looks at `cancel_requested_at`; a performer outside is told by an event.
    request:  of OF_CANCEL_REQUEST, what is known. Raises NotFound, WorkitemRefused.
    """
    with database.write() as session:
        row = rows.locked(session, uid)
        if not check_cancel_request(State(row.procedure_step_state)):
            return False
        step, reason = rows.step_of(row), text_of(request, REASON) or NO_REASON
        given = {tag: request[tag] for tag in OF_CANCEL_REQUEST if tag in request}
        told = {"by": by, "reason": reason}
        if row.procedure_step_state == State.SCHEDULED:
            _cancel_scheduled(session, row, step, given, reason)
            note(session, row.study_instance_uid, "canceled", told, workitem_uid=uid)
            return True
        aets = subscribers(session, row, step)
        if row.claimed_outside and not aets:
            raise unreachable()
        row.cancel_requested_at = row.cancel_requested_at or datetime.now(UTC).timestamp()
        row.cancel_reason = reason
        notify(session, aets, [cancel_requested(step, given, by[:LONGEST_AE_TITLE])])
        note(session, row.study_instance_uid, "cancel_requested", told, workitem_uid=uid)
    return True


def _add(session: Session, uid: str, step: Json, by: str) -> None:
    row = WorkitemRow(
        sop_instance_uid=uid,
        study_instance_uid=_study(step),
        series_instance_uid="",
        model_name="",
        model_version="",
        model_digest="",
        queue=OUTSIDE,
        created_at=datetime.now(UTC).timestamp(),
    )
    rows.add(session, row, step)
    note(session, row.study_instance_uid, "workitem_created", {"by": by}, workitem_uid=uid)


def _study(step: Json) -> str:
    """That the work belongs to: where results are expected, else where its first input lies."""
    if told := text(step, "StudyInstanceUID"):
        return told
    inputs = values(step, "InputInformationSequence")
    return text(inputs[0], "StudyInstanceUID") if inputs else ""


def _cancel_scheduled(
    session: Session, row: WorkitemRow, step: Json, given: Json, reason: str
) -> None:
    """First IN PROGRESS, then CANCELED, so that each report follows the last (CC.2.2.3)."""
    begun = ups.in_state(step, State.IN_PROGRESS)
    rows.begin(session, row, begun, "", outside=False)
    ended = ups.canceled_on_request(begun, given, reason, datetime.now(UTC))
    ending.end(session, row, ended, Outcome.CANCELED, reason)


def _reason(step: Json) -> str:
    progress = values(step, "ProcedureStepProgressInformationSequence")
    return str(value(progress[0], "ReasonForCancellation", "")) if progress else ""
