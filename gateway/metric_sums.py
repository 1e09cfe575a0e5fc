"""Counters and histograms: sums of what the trace tells, kept in the database.

Each event is added once, in the transaction that moves the mark up to which all are added, so that
the sums outlast restarts, are the same from every process, and cost no look at old work. What
labels may say is bounded: a family keeps MOST_SERIES sets of label values, and every further one
is counted under `other`.
"""

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from gateway.feed import Horizon
from gateway.store.database import Database
from gateway.store.event_kinds import ENDINGS
from gateway.store.inserting import insert_missing
from gateway.store.tables import (
    EventRow,
    MetricMarkRow,
    MetricSumRow,
    SeriesRow,
    StudyRow,
    WorkitemRow,
)

FOLD_SECONDS = 2.0
AT_ONCE = 2000  # events in one transaction
MOST_SERIES = 200
LONGEST_LABEL = 64
OTHER = "other"
# Upper bounds in seconds, each in its bucket; what is longer is in the last one, +Inf.
BOUNDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)

_OF_WORK = ("model", "rule", "stage", "modality", "body_part", "exam_code")


@dataclass(frozen=True, slots=True)
class Family:
    """is_histogram: of seconds; else a counter."""

    meaning: str
    labels: tuple[str, ...]
    is_histogram: bool = False


FAMILIES: Mapping[str, Family] = {
    "airgate_received_instances": Family("Instances that came, repeats among them", ("source",)),
    "airgate_received_bytes": Family("Bytes of the instances that came", ("source",)),
    "airgate_refused_instances": Family(
        "Instances that were not kept, by failure reason (PS3.18 Table I.2-2)",
        ("source", "failure"),
    ),
    "airgate_ended_workitems": Family("Workitems that ended", (*_OF_WORK, "outcome")),
    "airgate_put_off_workitems": Family("Attempts to be repeated later", ("model", "rule")),
    "airgate_completion_seconds": Family(
        "From the last arrival to completion of a study", ("evidence",), is_histogram=True
    ),
    "airgate_wait_seconds": Family("From a workitem's making to its claim", _OF_WORK, True),
    "airgate_work_seconds": Family("From a workitem's claim to its end", _OF_WORK, True),
    "airgate_step_seconds": Family("Steps of the work", ("model", "step"), True),
}


@dataclass(frozen=True, slots=True)
class Amount:
    """What one event adds to a family: to a counter the value, to a histogram one of that value."""

    family: str
    labels: tuple[str, ...]
    value: float


class Folding:
    """Adds events that are committed and not added yet. One of these for a process."""

    def __init__(self, database: Database) -> None:
        self._database, self._horizon = database, Horizon(database)

    def fold(self) -> int:
        """Add all that is settled; how many events that were."""
        settled, total = self._horizon.look() or 0, 0
        while self._mark() < settled:
            total += self._fold_some(settled)
        return total

    def _mark(self) -> int:
        with self._database.read() as session:
            return session.scalar(select(MetricMarkRow.event_id)) or 0

    def _fold_some(self, settled: int) -> int:
        with self._database.write() as session:
            session.execute(insert_missing(session, MetricMarkRow), {"id": 1, "event_id": 0})
            mark = session.get_one(MetricMarkRow, 1, with_for_update=True)
            events = session.scalars(
                select(EventRow)
                .where(EventRow.id > mark.event_id, EventRow.id <= settled)
                .order_by(EventRow.id)
                .limit(AT_ONCE)
            ).all()
            add(session, amounts(session, events))
            mark.event_id = events[-1].id if len(events) == AT_ONCE else settled
            return len(events)


def amounts(session: Session, events: Sequence[EventRow]) -> Iterator[Amount]:
    """What these events say in numbers."""
    work = _work(session, {event.workitem_uid for event in events if event.workitem_uid})
    for event in events:
        detail = json.loads(event.detail)
        yield from _of_study(event.kind, detail)
        if (row := work.get(event.workitem_uid)) is not None:
            yield from _of_work(event.kind, detail, *row)


def _of_study(kind: str, detail: dict[str, Any]) -> Iterator[Amount]:
    source = (str(detail.get("source", "")),)
    if kind == "received":
        yield Amount("airgate_received_instances", source, detail["instances"])
        yield Amount("airgate_received_bytes", source, detail["bytes"])
    elif kind == "refused":
        failure = str(detail.get("failure", ""))
        yield Amount("airgate_refused_instances", (*source, failure), detail["instances"])
    elif kind == "complete" and "waited" in detail:
        evidence = (str(detail["evidence"]),)
        yield Amount("airgate_completion_seconds", evidence, detail["waited"])


def _of_work(
    kind: str, detail: dict[str, Any], row: WorkitemRow, labels: tuple[str, ...]
) -> Iterator[Amount]:
    if kind == "step":
        step = (row.model_name, str(detail["name"]))
        yield Amount("airgate_step_seconds", step, detail["seconds"])
    elif kind == "put_off":
        yield Amount("airgate_put_off_workitems", (row.model_name, row.rule), 1)
    elif kind in ENDINGS:
        yield Amount("airgate_ended_workitems", (*labels, kind), 1)
        if row.started_at is not None and row.ended_at is not None:
            yield Amount("airgate_wait_seconds", labels, row.started_at - row.created_at)
            yield Amount("airgate_work_seconds", labels, row.ended_at - row.started_at)


def _work(session: Session, uids: set[str]) -> dict[str, tuple[WorkitemRow, tuple[str, ...]]]:
    """Workitems by UID with the values of _OF_WORK."""
    query = (
        select(WorkitemRow, SeriesRow.modality, SeriesRow.attributes, StudyRow.attributes)
        .outerjoin(SeriesRow, SeriesRow.series_instance_uid == WorkitemRow.series_instance_uid)
        .outerjoin(StudyRow, StudyRow.study_instance_uid == WorkitemRow.study_instance_uid)
        .where(WorkitemRow.sop_instance_uid.in_(uids))
        .options(defer(WorkitemRow.dataset), defer(WorkitemRow.results))  # large
    )
    found = {}
    for row, modality, series, study in session.execute(query):
        body_part = _first(series, "00180015")
        exam_code = _first(study, "00081032", "00080100")
        labels = (row.model_name, row.rule, row.stage, modality or "", body_part, exam_code)
        found[row.sop_instance_uid] = (row, labels)
    return found


def _first(attributes: str | None, *path: str) -> str:
    """The first value at a path of tags in DICOM JSON, else ""."""
    found: Any = json.loads(attributes or "{}")
    for tag in path:
        found = ((found.get(tag) or {}).get("Value") or [{}])[0]
    return found if isinstance(found, str) else ""


def add(session: Session, told: Iterator[Amount]) -> None:
    """Add amounts to the rows of their families, within the caller's transaction."""
    rows = {(row.family, row.labels): row for row in session.scalars(select(MetricSumRow))}
    held = {name: sum(family == name for family, _ in rows) for name in FAMILIES}
    for one in told:
        labels = _text(tuple(value[:LONGEST_LABEL] for value in one.labels))
        if (one.family, labels) not in rows and held[one.family] >= MOST_SERIES:
            labels = _text((OTHER,) * len(one.labels))
        row = rows.get((one.family, labels))
        if row is None:
            row = MetricSumRow(family=one.family, labels=labels, count=0, total=0.0, buckets="")
            rows[one.family, labels] = row
            held[one.family] += 1
            session.add(row)
        _add_to(row, one.value, FAMILIES[one.family].is_histogram)


def _add_to(row: MetricSumRow, value: float, is_histogram: bool) -> None:
    row.count += 1
    row.total += value
    if is_histogram:
        buckets = json.loads(row.buckets) if row.buckets else [0] * (len(BOUNDS) + 1)
        buckets[bisect_left(BOUNDS, value)] += 1
        row.buckets = json.dumps(buckets)


def _text(labels: tuple[str, ...]) -> str:
    return json.dumps(labels)
