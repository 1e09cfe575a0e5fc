"""Batches: one model over many studies (docs/batch.md)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from gateway.access import require_administrator
from gateway.batches import batches
from gateway.batches.deleting import delete_batch
from gateway.batches.orders import LARGEST_LIST, Asked, TooLarge, ordered
from gateway.deps import LARGEST, MOST_PER_PAGE, DatabaseOf, PublicRoot, paged
from gateway.routers.air import tree
from gateway.services import Services
from gateway.shadow import SHADOW
from gateway.store.tables import BatchRow

router = APIRouter(prefix="/api/v1/batches", tags=["batches"])

WANTED = "run batches"


class BatchView(BaseModel):
    """fates: how many lines are waiting, queued, running, done, not_found, unfit, ..."""

    id: str
    model_name: str
    model_version: str
    stage: str
    state: str
    lines: int
    fates: dict[str, int]
    percent: int = Field(description="of the lines, how many need nothing more")
    created_by: str
    created_at: float
    ended_at: float | None


class NewBatch(BatchView):
    duplicates: int = Field(description="entries that were left out since they came before")


class LineView(BaseModel):
    number: int
    wanted: str
    fate: str
    reason: str
    study_instance_uid: str
    workitem_uid: str
    progress: int


@router.post("", status_code=201)
async def make_batch(
    request: Request,
    model: str = "",
    version: str | None = None,
    stage: Literal["shadow", "study"] = "shadow",
) -> NewBatch:
    """Order a batch: JSON (BatchOrder), or CSV with the model in the query.

    The CSV has one column, StudyInstanceUID or AccessionNumber. Administrators only.
    """
    access = require_administrator(request, WANTED)
    body = await _body(request)
    return await run_in_threadpool(_made, request, body, Asked(model, version, stage), access.name)


@router.get("")
def all_batches(database: DatabaseOf, limit: int = 100, offset: int = 0) -> list[BatchView]:
    """Newest first."""
    return views(database, limit, offset)


@router.get("/{batch_id}")
def one_batch(batch_id: str, database: DatabaseOf) -> BatchView:
    with database.read() as session:
        return _view(batches.known(session, batch_id), batches.fates(session, [batch_id])[batch_id])


@router.get("/{batch_id}/lines")
def lines(
    batch_id: str,
    database: DatabaseOf,
    limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = 100,
    offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
) -> list[LineView]:
    """What became of each line, in the order of the list."""
    with database.read() as session:
        batches.known(session, batch_id)
        return [_line(one) for one in batches.lines_of(session, batch_id, limit, offset)]


@router.get("/{batch_id}/results")
def results(
    batch_id: str,
    database: DatabaseOf,
    root: PublicRoot,
    limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = 100,
    offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
) -> list[dict[str, Any]]:
    """The AIR result trees of lines that have a workitem, with links to their objects."""
    with database.read() as session:
        batches.known(session, batch_id)
        return [
            {"number": line.row.number, **tree(line.workitem, root)}
            for line in batches.lines_of(session, batch_id, limit, offset)
            if line.workitem is not None
        ]


@router.post("/{batch_id}/pause")
def pause(request: Request, batch_id: str, database: DatabaseOf) -> BatchView:
    """What is queued goes on, nothing more is queued. Administrators only."""
    require_administrator(request, WANTED)
    with database.write() as session:
        batches.pause(session, batch_id)
    return one_batch(batch_id, database)


@router.post("/{batch_id}/resume")
def resume(request: Request, batch_id: str, database: DatabaseOf) -> BatchView:
    require_administrator(request, WANTED)
    with database.write() as session:
        batches.resume(session, batch_id)
    return one_batch(batch_id, database)


@router.post("/{batch_id}/cancel")
def cancel(request: Request, batch_id: str, database: DatabaseOf) -> BatchView:
    """For good: what waits is dropped, what the batch ordered is canceled. Administrators only."""
    access = require_administrator(request, WANTED)
    batches.cancel(database, batch_id, access.name)
    return one_batch(batch_id, database)


@router.delete("/{batch_id}", status_code=204)
def delete(request: Request, batch_id: str, database: DatabaseOf) -> None:
    """Free the lines and shadow objects of one that has ended, else 409. Administrators only.

    The traces of its studies stay, and so does what went into them.
    """
    require_administrator(request, "delete batches")
    delete_batch(database, batch_id)


def views(database: DatabaseOf, limit: int, offset: int) -> list[BatchView]:
    query = batches.newest()
    with database.read() as session:
        rows = session.scalars(paged(query, limit, offset)).all()
        fates = batches.fates(session, [row.id for row in rows])
        return [_view(row, fates[row.id]) for row in rows]


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_LIST:
            raise TooLarge
    return bytes(body)


def _made(request: Request, body: bytes, asked: Asked, by: str) -> NewBatch:
    services: Services = request.app.state.services
    model, found, stage = ordered(services, request.headers.get("content-type", ""), body, asked)
    batch = batches.make(services.database, model, found, stage, by)
    view = _view(batch, {batches.LineState.WAITING.lower(): batch.lines})
    return NewBatch(**view.model_dump(), duplicates=found.duplicates)


def _view(row: BatchRow, fates: Mapping[str, int]) -> BatchView:
    open_ = sum(fates.get(fate, 0) for fate in ("waiting", "queued", "running"))
    return BatchView(
        id=row.id,
        model_name=row.model_name,
        model_version=row.model_version,
        stage="shadow" if row.stage == SHADOW else "study",
        state=row.state,
        lines=row.lines,
        fates=dict(fates),
        percent=(row.lines - open_) * 100 // row.lines,
        created_by=row.created_by,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _line(line: batches.Line) -> LineView:
    return LineView(
        number=line.row.number,
        wanted=line.row.wanted,
        fate=line.fate,
        reason=line.reason,
        study_instance_uid=line.row.study_instance_uid,
        workitem_uid=line.row.workitem_uid,
        progress=line.workitem.progress if line.workitem else 0,
    )
