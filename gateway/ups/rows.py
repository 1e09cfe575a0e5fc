"""A workitem's row: the one place where it is locked, changed, and told of.

Inside workers (gateway/worklist.py) and outside performers (gateway/ups/operations.py) go through
these functions, in a transaction that holds the row, so that of two claims one succeeds. How it
ends: gateway/ups/ending.py.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from gateway.errors import NotFound
from gateway.search.values import LONGEST_VALUE, text
from gateway.store.tables import WorkitemCodeRow, WorkitemRow
from gateway.ups.notifications import publish
from standards import ups
from standards.study import value, values
from standards.temporal import in_zone, moments, offset
from standards.ups import State
from standards.ups_attributes import CODE_VALUES, STATION_NAMES, WORKITEM_CODES

Json = dict[str, Any]

FOUND_BY = (STATION_NAMES, WORKITEM_CODES)  # sequences whose codes searches look for


def locked(session: Session, uid: str) -> WorkitemRow:
    """The row, held until the transaction ends. Raises NotFound."""
    row = session.get(WorkitemRow, uid, with_for_update=True)
    if row is None:
        raise NotFound("workitem", uid)
    return row


def step_of(row: WorkitemRow) -> Json:
    return json.loads(row.dataset)


def add(session: Session, row: WorkitemRow, step: Json) -> None:
    """A new workitem in state SCHEDULED."""
    row.dataset = "{}"
    session.add(row)
    put(session, row, step)


def put(session: Session, row: WorkitemRow, step: Json) -> None:
    """Let the row say what the data set says, and tell subscribers what that changed."""
    before = step_of(row)
    after = ups.modified(step, datetime.now(UTC))
    row.dataset = json.dumps(after)
    row.procedure_step_state = text(after, "ProcedureStepState")
    row.priority = text(after, "ScheduledProcedureStepPriority")
    row.worklist_label = text(after, "WorklistLabel")
    row.scheduled_start = _start(after)
    session.flush()
    if any(before.get(tag) != after.get(tag) for tag in FOUND_BY):
        _put_codes(session, row.sop_instance_uid, after)
    publish(session, row, before, after)


def begin(
    session: Session, row: WorkitemRow, step: Json, transaction_uid: str, *, outside: bool
) -> None:
    """SCHEDULED -> IN PROGRESS. step: the data set in that state."""
    row.started_at = datetime.now(UTC).timestamp()
    row.transaction_uid = transaction_uid
    row.claimed_outside, row.awaits_place = outside, False
    put(session, row, step)


def is_final(row: WorkitemRow) -> bool:
    return not ups.FOLLOWS[State(row.procedure_step_state)]


def _start(step: Json) -> str:
    """When it is to begin, in UTC and in full; in the time that it tells, where no zone is told."""
    found = moments(text(step, "ScheduledProcedureStepStartDateTime"))
    if found is None:
        return ""
    own_zone = offset(str(value(step, "TimezoneOffsetFromUTC", "")))
    return in_zone(found[0], own_zone if found[2] is None else found[2], 0)


def _put_codes(session: Session, uid: str, step: Json) -> None:
    session.execute(delete(WorkitemCodeRow).where(WorkitemCodeRow.sop_instance_uid == uid))
    for attribute, code in dict.fromkeys(_codes(step)):
        session.add(WorkitemCodeRow(attribute=attribute, code_value=code, sop_instance_uid=uid))
    session.flush()


def _codes(step: Json) -> Iterator[tuple[str, str]]:
    for attribute in FOUND_BY:
        for item in values(step, attribute):
            for tag in CODE_VALUES:
                if code := text(item, tag):
                    yield attribute, code[:LONGEST_VALUE]
