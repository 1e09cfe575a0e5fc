"""Workitems in short, for the console and the CLI; as data sets they are in worklist.py."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import select
from starlette.responses import Response

from gateway import shadow
from gateway.access import require_administrator
from gateway.deps import DatabaseOf, PublicRoot, paged
from gateway.errors import NotFound
from gateway.replaying import is_dead, replay
from gateway.routers.air import tree
from gateway.store.tables import WorkitemRow

router = APIRouter(tags=["workitems"])

SEE_SHADOW = "see results of shadow work"


class WorkitemView(BaseModel):
    """A workitem without its dataset. outcome and reason are empty until it ends.

    stage: live; shadow, or intermediate for a step of a chain, where results are kept apart from
    the study. not_before: while it is put off, when it is tried again. replay_of: UID of the first
    workitem for the same work.
    """

    workitem_uid: str
    study_instance_uid: str
    series_instance_uid: str
    procedure_step_state: str
    model_name: str
    model_version: str
    rule: str
    stage: str
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


@router.get("/api/v1/workitems/{workitem_uid}/shadow-objects")
def shadow_objects(
    request: Request, workitem_uid: str, database: DatabaseOf, root: PublicRoot
) -> dict[str, Any]:
    """The AIR result tree of shadow work, with links to its objects. Administrators only."""
    require_administrator(request, SEE_SHADOW)
    with database.read() as session:
        row = session.get(WorkitemRow, workitem_uid)
    if row is None or not shadow.is_apart(row):
        raise NotFound("shadow workitem", workitem_uid)
    return tree(row, root)


@router.get(
    "/api/v1/workitems/{workitem_uid}/shadow-objects/{sop_instance_uid}", response_class=Response
)
def shadow_object(
    request: Request, workitem_uid: str, sop_instance_uid: str, database: DatabaseOf
) -> Response:
    """A result object that is kept apart from its study, as a DICOM file. Administrators only."""
    require_administrator(request, SEE_SHADOW)
    with database.read() as session:
        content = shadow.read(session, workitem_uid, sop_instance_uid)
    return Response(content, media_type="application/dicom")
