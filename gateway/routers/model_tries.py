"""Trying a version of a model on a stored study, without publishing anything."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gateway.access import access_of, administrators_only
from gateway.deps import DatabaseOf, PublicRoot, RegistryOf, paged
from gateway.models import tries
from gateway.routers.air import tree
from gateway.store.tables import WorkitemRow

# What a try shows is of patients, and kept apart even from those who see their studies.
router = APIRouter(
    prefix="/api/v1/models", tags=["models"], dependencies=[Depends(administrators_only)]
)


class TryOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    study_instance_uid: str = Field(max_length=64)
    series_instance_uids: list[str] = Field(
        default=[], max_length=64, description="choose from these alone; empty = from all"
    )


class StepView(BaseModel):
    name: str
    seconds: float


class TryLine(BaseModel):
    """outcome and reason are empty until it ends. Times are seconds since the epoch."""

    workitem_uid: str
    url: str
    study_instance_uid: str
    procedure_step_state: str
    progress: int = Field(description="percent")
    outcome: str
    reason: str
    created_at: float
    started_at: float | None
    ended_at: float | None


class TryView(TryLine):
    """steps: what took how long, until the result was there; none where there was no result.

    result: the AIR result tree, with links to its objects; null until the end, and when it is
    forgotten.
    """

    steps: list[StepView]
    result: dict[str, Any] | None


@router.post("/{name}/{version}/try", status_code=202)
def order(  # noqa: PLR0913, PLR0917 (what FastAPI gives)
    request: Request,
    response: Response,
    name: str,
    version: str,
    wanted: TryOrder,
    database: DatabaseOf,
    registry: RegistryOf,
    root: PublicRoot,
) -> TryLine:
    """Run it on a study that is here; Location tells where to look for what it finds.

    The work is urgent, and nothing of it reaches the study. Administrators only.
    """
    model = registry.version(name, version)
    with database.write() as session:
        row = tries.order(
            session,
            registry,
            model,
            wanted.study_instance_uid,
            wanted.series_instance_uids,
            access_of(request).name,
        )
        line = _line(row, root)
    response.headers["Location"] = line.url
    return line


@router.get("/{name}/{version}/tries")
def lines(  # noqa: PLR0913, PLR0917 (what FastAPI gives)
    name: str,
    version: str,
    database: DatabaseOf,
    registry: RegistryOf,
    root: PublicRoot,
    limit: int = 100,
    offset: int = 0,
) -> list[TryLine]:
    """Newest first. Administrators only."""
    registry.version(name, version)
    with database.read() as session:
        found = session.scalars(paged(tries.of_version(name, version), limit, offset))
        return [_line(row, root) for row in found]


@router.get("/{name}/{version}/tries/{workitem_uid}")
def one(
    name: str, version: str, workitem_uid: str, database: DatabaseOf, root: PublicRoot
) -> TryView:
    """How far it is, what it found, and what took how long. Administrators only."""
    with database.read() as session:
        row = tries.known(session, name, version, workitem_uid)
        steps = tries.steps(session, workitem_uid)
    return TryView(
        **_line(row, root).model_dump(),
        steps=[StepView(name=step.name, seconds=step.seconds) for step in steps],
        result=tree(row, root) if row.results else None,
    )


def _line(row: WorkitemRow, root: str) -> TryLine:
    fields = set(TryLine.model_fields) - {"workitem_uid", "url"}
    uid = row.sop_instance_uid
    url = f"{root}/api/v1/models/{row.model_name}/{row.model_version}/tries/{uid}"
    return TryLine(workitem_uid=uid, url=url, **{name: getattr(row, name) for name in fields})
