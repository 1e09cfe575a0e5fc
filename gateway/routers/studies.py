"""Studies as the gateway sees them: state and trace."""

import json
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.deps import DatabaseOf, paged
from gateway.errors import NotFound
from gateway.routers.workitems import WorkitemView
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
    at: float
    kind: str
    workitem_uid: str
    detail: dict[str, Any]


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


@router.get("/{study_instance_uid}")
def trace(study_instance_uid: str, database: DatabaseOf) -> TraceView:
    """Everything that happened to a study, also to one that is gone.

    DELETED: here; LOST: its bytes left the archive without the gateway.
    """
    with database.read() as session:
        row = session.get(StudyRow, study_instance_uid)
        study = _view(session, row) if row else _gone(session, study_instance_uid)
        events = session.scalars(
            select(EventRow)
            .where(EventRow.study_instance_uid == study_instance_uid)
            .order_by(EventRow.id)
        )
        workitems = session.scalars(
            select(WorkitemRow)
            .where(WorkitemRow.study_instance_uid == study_instance_uid)
            .order_by(WorkitemRow.created_at)
        )
        return TraceView(
            study=study,
            events=[_event(event) for event in events],
            workitems=[WorkitemView.of(workitem) for workitem in workitems],
        )


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


def _event(row: EventRow) -> EventView:
    detail = json.loads(row.detail)
    return EventView(at=row.at, kind=row.kind, workitem_uid=row.workitem_uid, detail=detail)
