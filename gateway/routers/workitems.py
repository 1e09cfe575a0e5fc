"""Workitems: as UPS datasets for DICOMweb clients, and in short for the console and the CLI."""

import json
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select

from gateway.deps import DatabaseOf, paged
from gateway.errors import NotFound
from gateway.store.tables import WorkitemRow

router = APIRouter(tags=["workitems"])


class WorkitemView(BaseModel):
    """A workitem without its dataset. outcome and reason are empty until it ends."""

    workitem_uid: str
    study_instance_uid: str
    series_instance_uid: str
    procedure_step_state: str
    model_name: str
    model_version: str
    rule: str
    outcome: str
    reason: str
    attempts: int
    created_at: float
    started_at: float | None
    ended_at: float | None

    @classmethod
    def of(cls, row: WorkitemRow) -> "WorkitemView":
        fields = {name: getattr(row, name) for name in cls.model_fields if name != "workitem_uid"}
        return cls(workitem_uid=row.sop_instance_uid, **fields)


@router.get("/api/v1/workitems")
def workitems(
    database: DatabaseOf, state: str | None = None, limit: int = 100, offset: int = 0
) -> list[WorkitemView]:
    """Newest first; `state` is a Procedure Step State such as IN PROGRESS."""
    query = select(WorkitemRow).order_by(
        WorkitemRow.created_at.desc(), WorkitemRow.sop_instance_uid
    )
    if state is not None:
        query = query.where(WorkitemRow.procedure_step_state == state)
    with database.read() as session:
        rows = session.scalars(paged(query, limit, offset))
        return [WorkitemView.of(row) for row in rows]


@router.get("/dicom-web/workitems/{workitem_uid}")
def retrieve(workitem_uid: str, database: DatabaseOf) -> Response:
    """Retrieve a workitem (PS3.18 11.5). The Transaction UID is never part of it."""
    with database.read() as session:
        row = session.get(WorkitemRow, workitem_uid)
    if row is None:
        raise NotFound("workitem", workitem_uid)
    body: list[dict[str, Any]] = [json.loads(row.dataset)]
    return Response(json.dumps(body), media_type="application/dicom+json")
