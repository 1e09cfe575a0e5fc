"""Workitems in short, for the console and the CLI; as data sets they are in worklist.py."""

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select

from gateway.deps import DatabaseOf, paged
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
