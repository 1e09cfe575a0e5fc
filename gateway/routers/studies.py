"""Studies as the gateway sees them: state and trace."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.deps import LARGEST, MOST_PER_PAGE, DatabaseOf, paged
from gateway.errors import NotFound
from gateway.routers.workitems import WorkitemView
from gateway.store.database import Database
from gateway.store.event_kinds import title_of
from gateway.store.tables import EventRow, InstanceRow, StudyRow, TombstoneRow, WorkitemRow

router = APIRouter(prefix="/api/v1/studies", tags=["studies"])


class StudyView(BaseModel):
    study_instance_uid: str
    state: str
    generation: int
    instances: int
    first_arrival_at: float
    last_arrival_at: float


class EventView(BaseModel):
    """One line of a trace; docs/trace.md lists the kinds and what their detail holds."""

    id: int = Field(description="grows in the order in which events became known")
    study_instance_uid: str
    at: float = Field(description="when it ended, in seconds since the epoch, UTC")
    kind: str
    title: str = Field(description="the kind, for people")
    workitem_uid: str = Field(description="of the work that it is about, or empty")
    detail: dict[str, Any]

    @classmethod
    def of(cls, row: EventRow) -> "EventView":
        return cls(
            id=row.id,
            study_instance_uid=row.study_instance_uid,
            at=row.at,
            kind=row.kind,
            title=title_of(row.kind),
            workitem_uid=row.workitem_uid,
            detail=json.loads(row.detail),
        )


class TracePage(BaseModel):
    """Part of a trace. next: what to give as `after` for the part that follows, null at the end."""

    study: StudyView
    events: list[EventView]
    workitems: list[WorkitemView] = Field(description="all of them, with the first page only")
    next: int | None


class TraceView(BaseModel):
    """One study from first byte to result. Times are seconds since the epoch, UTC."""

    study: StudyView
    events: list[EventView]
    workitems: list[WorkitemView]


@router.get("")
def studies(database: DatabaseOf, limit: int = 100, offset: int = 0) -> list[StudyView]:
    """The studies, latest arrival first."""
    query = select(StudyRow).order_by(StudyRow.last_arrival_at.desc(), StudyRow.study_instance_uid)
    with database.read() as session:
        rows = session.scalars(paged(query, limit, offset))
        return [_view(session, row) for row in rows]


@router.get("/{study_instance_uid}/trace")
def trace_page(
    study_instance_uid: str,
    database: DatabaseOf,
    after: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = 500,
) -> TracePage:
    """What happened to a study, page by page, oldest first."""
    with database.read() as session:
        study = _study(session, study_instance_uid)
        events = session.scalars(
            select(EventRow)
            .where(EventRow.study_instance_uid == study_instance_uid, EventRow.id > after)
            .order_by(EventRow.id)
            .limit(limit + 1)
        ).all()
        return TracePage(
            study=study,
            events=[EventView.of(event) for event in events[:limit]],
            workitems=[] if after else _workitems(session, study_instance_uid),
            next=events[limit - 1].id if len(events) > limit else None,
        )


@router.get("/{study_instance_uid}")
def trace(study_instance_uid: str, database: DatabaseOf) -> TraceView:
    """Everything that happened to a study, also to one that is gone.

    DELETED: here; LOST: its bytes left the archive without the gateway.
    """
    with database.read() as session:
        study = _study(session, study_instance_uid)
        events = session.scalars(
            select(EventRow)
            .where(EventRow.study_instance_uid == study_instance_uid)
            .order_by(EventRow.id)
        )
        return TraceView(
            study=study,
            events=[EventView.of(event) for event in events],
            workitems=_workitems(session, study_instance_uid),
        )


def known_study(database: Database, study_instance_uid: str, patient_id: str | None = None) -> None:
    """Raises NotFound for a study that never was.

    patient_id:  of the only patient whose studies the client may see, if they are here still; None
    for all of them.
    """
    if patient_id is not None and not is_of_patient(database, study_instance_uid, patient_id):
        raise NotFound("study", study_instance_uid)
    with database.read() as session:
        _study(session, study_instance_uid)


def is_of_patient(database: Database, study_instance_uid: str, patient_id: str) -> bool:
    with database.read() as session:
        row = session.get(StudyRow, study_instance_uid)
    return row is not None and row.patient_id == patient_id


def _study(session: Session, study_instance_uid: str) -> StudyView:
    row = session.get(StudyRow, study_instance_uid)
    return _view(session, row) if row else _gone(session, study_instance_uid)


def _workitems(session: Session, study_instance_uid: str) -> list[WorkitemView]:
    rows = session.scalars(
        select(WorkitemRow)
        .where(WorkitemRow.study_instance_uid == study_instance_uid)
        .order_by(WorkitemRow.created_at)
    )
    return [WorkitemView.of(row) for row in rows]


def _gone(session: Session, study_instance_uid: str) -> StudyView:
    """Of such a study nothing is left but its trace. Raises NotFound for one that never was."""
    lost = select(EventRow.id).where(
        EventRow.study_instance_uid == study_instance_uid, EventRow.kind == "lost"
    )
    if session.get(TombstoneRow, study_instance_uid) is not None:
        state = "DELETED"
    elif session.scalar(lost.limit(1)) is not None:
        state = "LOST"
    else:
        raise NotFound("study", study_instance_uid)
    return StudyView(
        study_instance_uid=study_instance_uid,
        state=state,
        generation=0,
        instances=0,
        first_arrival_at=0,
        last_arrival_at=0,
    )


def _view(session: Session, row: StudyRow) -> StudyView:
    instances = session.scalar(
        select(func.count())
        .select_from(InstanceRow)
        .where(InstanceRow.study_instance_uid == row.study_instance_uid)
    )
    return StudyView(
        study_instance_uid=row.study_instance_uid,
        state=row.state,
        generation=row.generation,
        instances=instances or 0,
        first_arrival_at=row.first_arrival_at,
        last_arrival_at=row.last_arrival_at,
    )
