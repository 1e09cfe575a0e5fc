"""Workitems in short, for the console and the CLI; as data sets they are in worklist.py."""

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import select

from gateway.access import require_administrator
from gateway.deps import DatabaseOf, paged
from gateway.replaying import is_dead, replay
from gateway.store.tables import WorkitemRow

router = APIRouter(tags=["workitems"])


class WorkitemView(BaseModel):
    """A workitem without its dataset. outcome and reason are empty until it ends.

    not_before: while it is put off, when it is tried again. replay_of: UID of the first workitem
    for the same work.
    """

    workitem_uid: str
    study_instance_uid: str
    series_instance_uid: str
    procedure_step_state: str
    model_name: str
    model_version: str
    rule: str
    outcome: str
    reason: str
    priority: str
    queue: str
    attempts: int
    put_offs: int
    not_before: float | None
    replay_of: str
    created_at: float
    started_at: float | None
    ended_at: float | None

    @classmethod
    def of(cls, row: WorkitemRow) -> "WorkitemView":
        fields = {name: getattr(row, name) for name in cls.model_fields if name != "workitem_uid"}
        return cls(workitem_uid=row.sop_instance_uid, **fields)


@router.get("/api/v1/workitems")
def workitems(
    database: DatabaseOf,
    state: str | None = None,
    dead: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> list[WorkitemView]:
    """Newest first; `state` is a Procedure Step State such as IN PROGRESS.

    `dead`: only the dead letter, what FAILED or TIMED_OUT and was not replayed since.
    """
    query = select(WorkitemRow).order_by(
        WorkitemRow.created_at.desc(), WorkitemRow.sop_instance_uid
    )
    if state is not None:
        query = query.where(WorkitemRow.procedure_step_state == state)
    if dead:
        query = query.where(is_dead())
    with database.read() as session:
        rows = session.scalars(paged(query, limit, offset))
        return [WorkitemView.of(row) for row in rows]


@router.post("/api/v1/workitems/{workitem_uid}/replay", status_code=201)
def replay_workitem(request: Request, workitem_uid: str, database: DatabaseOf) -> WorkitemView:
    """Order work that ended without a result again, as a new workitem. Administrators only."""
    access = require_administrator(request, "replay workitems")
    with database.write() as session:
        return WorkitemView.of(replay(session, workitem_uid, access.name))
