"""What the pages show, read from the tables and made into values that a template can print."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from gateway.chains.links import links_of_study
from gateway.console.claims import Claim, claims_of
from gateway.console.trace import Selection, Trace, selections, trace_of
from gateway.outcomes import REPLAYABLE
from gateway.shadow import LIVE, SHADOW, is_apart
from gateway.store.tables import (
    EventRow,
    InstanceRow,
    SeriesRow,
    StudyRow,
    WorkitemRow,
)

FINAL_STATES = ("COMPLETED", "CANCELED")


@dataclass(frozen=True, slots=True)
class WorkitemView:
    """One workitem and the results it gave."""

    row: WorkitemRow
    results: dict[str, Any]

    @property
    def is_shadow(self) -> bool:
        return self.row.stage == SHADOW

    @property
    def is_apart(self) -> bool:
        """Nobody but administrators sees its results: of shadow work, or a step of a chain."""
        return is_apart(self.row)

    @property
    def badge(self) -> str:
        """The outcome where there is one, else the state of the step, in small letters."""
        return (self.row.outcome or self.row.procedure_step_state).lower().replace("_", " ")

    @property
    def is_final(self) -> bool:
        return self.row.procedure_step_state in FINAL_STATES

    @property
    def seconds(self) -> float | None:
        if self.row.started_at is None or self.row.ended_at is None:
            return None
        return self.row.ended_at - self.row.started_at

    @property
    def objects(self) -> list[dict[str, Any]]:
        return self.results.get("objects", [])

    @property
    def fhir(self) -> list[dict[str, Any]]:
        return self.results.get("fhir", [])

    @property
    def key_images(self) -> list[dict[str, Any]]:
        return [item for item in self.objects if item.get("kind") == "SC"]

    @property
    def measurements_by_site(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """The measurements in their own order, those of one site together."""
        sites: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for measurement in self.results.get("measurements", []):
            sites[measurement.get("site") or ""].append(measurement)
        return list(sites.items())

    @property
    def claims(self) -> list[Claim]:
        return claims_of(self.results)


@dataclass(frozen=True, slots=True)
class StudyLine:
    """One study of the list. The name is as the study writes it; the row's is folded."""

    row: StudyRow
    patient_name: str
    modalities: tuple[str, ...]
    instances: int
    workitems: tuple[WorkitemView, ...]


@dataclass(frozen=True, slots=True)
class SeriesLine:
    row: SeriesRow
    instances: int
    is_result: bool


@dataclass(frozen=True, slots=True)
class StudyPage:
    """All that is known of one study."""

    line: StudyLine
    series: tuple[SeriesLine, ...]
    trace: Trace
    selections: tuple[Selection, ...]
    apart: tuple[WorkitemView, ...] = ()
    links: tuple[tuple[str, str], ...] = ()  # UIDs of workitems: a later one, and an earlier

    @property
    def workitems(self) -> tuple[WorkitemView, ...]:
        """All of them, those whose results are kept apart last."""
        return (*self.line.workitems, *self.apart)

    def chain_of(self, workitem: WorkitemView) -> list[tuple[str, list[WorkitemView]]]:
        """What it stands on, and what stands on it, where there is such work."""
        uid = workitem.row.sop_instance_uid
        sides = {
            "Stands on": {earlier for later, earlier in self.links if later == uid},
            "Its findings are taken by": {later for later, earlier in self.links if earlier == uid},
        }
        found = [
            (told, [one for one in self.workitems if one.row.sop_instance_uid in uids])
            for told, uids in sides.items()
        ]
        return [(told, others) for told, others in found if others]

    @property
    def is_settled(self) -> bool:
        return self.line.row.state == "COMPLETE" and all(
            workitem.is_final for workitem in self.workitems
        )

    def is_replayable(self, workitem: WorkitemView) -> bool:
        """Whether it ended without a result and was not ordered again since."""
        row = workitem.row
        origin = row.replay_of or row.sop_instance_uid
        later = (
            other.row
            for other in self.workitems
            if other.row.replay_of == origin and other.row.created_at > row.created_at
        )
        return bool(row.outcome in REPLAYABLE and row.model_name and next(later, None) is None)

    def description_of(self, series_instance_uid: str) -> str:
        """Series Description by UID, for events that name a series by its UID alone."""
        for series in self.series:
            if series.row.series_instance_uid == series_instance_uid:
                return series.row.series_description or "No description"
        return "unknown series"


def recent_studies(session: Session, *, offset: int = 0, limit: int = 50) -> list[StudyLine]:
    """Studies, the one that something arrived for last first."""
    newest = select(StudyRow).order_by(StudyRow.last_arrival_at.desc(), StudyRow.study_instance_uid)
    return _lines(session, session.scalars(newest.offset(offset).limit(limit)).all())


def study_page(session: Session, study_instance_uid: str) -> StudyPage | None:
    """Everything about one study, or None where no such study is known."""
    row = session.get(StudyRow, study_instance_uid)
    if row is None:
        return None
    (line,) = _lines(session, [row])
    events = session.scalars(
        select(EventRow)
        .where(EventRow.study_instance_uid == study_instance_uid)
        .order_by(EventRow.at, EventRow.id)
    ).all()
    return StudyPage(
        line,
        tuple(_series(session, study_instance_uid)),
        trace_of(events),
        tuple(selections(events)),
        _apart(session, study_instance_uid),
        tuple(links_of_study(session, study_instance_uid)),
    )


def _apart(session: Session, study_instance_uid: str) -> tuple[WorkitemView, ...]:
    """Steps of chains first, then shadow work."""
    found = _workitems(session, [study_instance_uid], WorkitemRow.stage != LIVE)
    return tuple(sorted(found, key=lambda one: one.is_shadow))


def _lines(session: Session, rows: Sequence[StudyRow]) -> list[StudyLine]:
    """The list's lines with three questions for all of them, however many they are."""
    uids = [row.study_instance_uid for row in rows]
    modalities: dict[str, list[str]] = defaultdict(list)
    seen = select(SeriesRow.study_instance_uid, SeriesRow.modality).distinct()
    for uid, modality in session.execute(
        seen.where(SeriesRow.study_instance_uid.in_(uids)).order_by(SeriesRow.modality)
    ):
        modalities[uid].append(modality)
    counts: dict[str, int] = {}
    held = select(InstanceRow.study_instance_uid, func.count())
    for uid, count in session.execute(
        held.where(InstanceRow.study_instance_uid.in_(uids)).group_by(
            InstanceRow.study_instance_uid
        )
    ):
        counts[uid] = count
    workitems: dict[str, list[WorkitemView]] = defaultdict(list)
    for item in _workitems(session, uids, WorkitemRow.stage == LIVE):
        workitems[item.row.study_instance_uid].append(item)
    return [
        StudyLine(
            row,
            _patient_name(row),
            tuple(modalities[row.study_instance_uid]),
            counts.get(row.study_instance_uid, 0),
            tuple(workitems[row.study_instance_uid]),
        )
        for row in rows
    ]


def _series(session: Session, study_instance_uid: str) -> Iterable[SeriesLine]:
    rows = session.scalars(
        select(SeriesRow)
        .where(SeriesRow.study_instance_uid == study_instance_uid)
        .order_by(SeriesRow.series_number, SeriesRow.created_at)
    ).all()
    held = (
        select(InstanceRow.series_instance_uid, func.count(), func.max(InstanceRow.created_by))
        .where(InstanceRow.study_instance_uid == study_instance_uid)
        .group_by(InstanceRow.series_instance_uid)
    )
    facts = {uid: (count, bool(creator)) for uid, count, creator in session.execute(held)}
    for row in rows:
        count, is_result = facts.get(row.series_instance_uid, (0, False))
        yield SeriesLine(row, count, is_result)


def _workitems(
    session: Session, studies: Sequence[str], of_stage: ColumnElement[bool]
) -> Iterable[WorkitemView]:
    of_studies = WorkitemRow.study_instance_uid.in_(studies)
    query = select(WorkitemRow).where(of_studies, of_stage).order_by(WorkitemRow.created_at)
    for row in session.scalars(query):
        yield WorkitemView(row, json.loads(row.results) if row.results else {})


def _patient_name(row: StudyRow) -> str:
    """(0010,0010) of the study, its first component group that holds anything (PS3.18 F.2.2)."""
    values = json.loads(row.attributes).get("00100010", {}).get("Value") or [{}]
    groups = values[0] or {}
    written = groups.get("Alphabetic") or groups.get("Ideographic") or groups.get("Phonetic") or ""
    return ", ".join(part for part in written.split("^") if part)
