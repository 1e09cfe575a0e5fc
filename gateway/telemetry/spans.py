"""Events of the trace as spans: one trace for each time that a study was complete.

The ids follow from UIDs and counts alone. So spans join, whichever process wrote their events and
whichever tells of them, and one that is told twice is the same span.
"""

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.store.event_kinds import ARRIVALS, ENDINGS
from gateway.store.tables import EventRow, WorkitemRow

STUDY, WORKITEM = "study", "workitem"  # spans that others lie in
BEFORE_COMPLETION = ARRIVALS | {"replaced", "refused", "announced", "complete"}
LEFT_OUT = frozenset({"progress"})
ERRORS = frozenset({"failed", "timed_out"})
# Fields of a detail that are told. None of them holds free text or an identifier of a patient.
TOLD = (
    "instances",
    "new",
    "bytes",
    "source",
    "failure",
    "evidence",
    "rule",
    "rules_version",
    "model",
    "version",
    "stage",
    "batch",
    "attempt",
    "level",
)


@dataclass(frozen=True, slots=True)
class Span:
    """start, end: seconds since the epoch. Ids have 16 and 8 bytes (W3C Trace Context 3.2.2)."""

    trace_id: int
    span_id: int
    parent_id: int | None
    name: str
    start: float
    end: float
    attributes: Mapping[str, str | int]
    is_error: bool


class _Work(NamedTuple):
    created_at: float
    model: str
    version: str


def spans_of(session: Session, events: Sequence[EventRow]) -> Iterator[Span]:
    """One span for each event but progress. events: of any studies, in the order of their ids."""
    events = [event for event in events if event.kind not in LEFT_OUT]
    completions = _completions(session, {event.study_instance_uid for event in events})
    work = _work(session, {event.workitem_uid for event in events if event.workitem_uid})
    for event in events:
        of_study = completions[event.study_instance_uid]
        made = work.get(event.workitem_uid)
        trace_id = _trace_id(event, _generation(event, of_study, made))
        start = event.at - float(json.loads(event.detail).get("seconds") or 0)
        if event.kind == "complete":
            yield _span(event, trace_id, STUDY, _first_arrival(session, event, of_study), None)
        elif event.kind in ENDINGS and made is not None:
            yield _span(event, trace_id, WORKITEM, made.created_at, STUDY, made)
        else:
            parent = STUDY if made is None else f"{WORKITEM} {event.workitem_uid}"
            yield _span(event, trace_id, _name(event), start, parent)


def _span(  # noqa: PLR0913, PLR0917 (what a span consists of)
    event: EventRow,
    trace_id: int,
    name: str,
    start: float,
    parent: str | None,
    work: _Work | None = None,
) -> Span:
    known_as = {STUDY: STUDY, WORKITEM: f"{WORKITEM} {event.workitem_uid}"}
    return Span(
        trace_id,
        _id(8, trace_id, known_as.get(name, str(event.id))),
        None if parent is None else _id(8, trace_id, parent),
        name,
        min(start, event.at),
        event.at,
        _attributes(event, work),
        event.kind in ERRORS,
    )


def _name(event: EventRow) -> str:
    """Few different ones, so that they can be grouped by."""
    return f"step {json.loads(event.detail)['name']}" if event.kind == "step" else event.kind


def _attributes(event: EventRow, work: _Work | None) -> dict[str, str | int]:
    detail: dict[str, Any] = json.loads(event.detail)
    told = {name: detail.get(name) for name in TOLD}
    told["study_instance_uid"] = event.study_instance_uid
    told["workitem_uid"] = event.workitem_uid
    if work is not None:
        told |= {"outcome": event.kind, "model": work.model, "version": work.version}
    return {f"airgate.{name}": value for name, value in told.items() if value not in (None, "")}


def _trace_id(event: EventRow, generation: int) -> int:
    """Of work that belongs to no study, the workitem has a trace of its own."""
    return _id(16, event.study_instance_uid or event.workitem_uid, generation)


def _id(length: int, *seed: str | int) -> int:
    text = "\n".join(map(str, ("airgate", *seed)))
    return int.from_bytes(sha256(text.encode()).digest()[:length])


def _generation(event: EventRow, completions: Sequence[float], work: _Work | None) -> int:
    """Which time of being complete an event belongs to, from 1; work, to that which made it."""
    if event.kind in BEFORE_COMPLETION:
        return bisect_left(completions, event.at) + 1
    at = event.at if work is None else work.created_at
    return max(1, bisect_right(completions, at))


def _completions(session: Session, studies: set[str]) -> Mapping[str, Sequence[float]]:
    """When each of the studies was complete, in order."""
    found: dict[str, list[float]] = defaultdict(list)
    query = select(EventRow.study_instance_uid, EventRow.at).where(
        EventRow.study_instance_uid.in_(studies), EventRow.kind == "complete"
    )
    for uid, at in session.execute(query.order_by(EventRow.at)):
        found[uid].append(at)
    return found


def _first_arrival(session: Session, event: EventRow, completions: Sequence[float]) -> float:
    """When the first byte came since the study was complete before."""
    before = completions[: bisect_left(completions, event.at)]
    query = select(EventRow.at, EventRow.detail).where(
        EventRow.study_instance_uid == event.study_instance_uid,
        EventRow.kind.in_(ARRIVALS),
        EventRow.at <= event.at,
        EventRow.at > (before[-1] if before else 0.0),
    )
    starts = (
        at - float(json.loads(detail).get("seconds") or 0) for at, detail in session.execute(query)
    )
    return min(starts, default=event.at)


def _work(session: Session, uids: set[str]) -> Mapping[str, _Work]:
    columns = (WorkitemRow.created_at, WorkitemRow.model_name, WorkitemRow.model_version)
    query = select(WorkitemRow.sop_instance_uid, *columns)
    found = session.execute(query.where(WorkitemRow.sop_instance_uid.in_(uids)))
    return {uid: _Work(at, model, version) for uid, at, model, version in found}
