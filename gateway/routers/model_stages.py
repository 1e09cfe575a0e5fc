"""Moving versions of models from stage to stage."""

from typing import Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from ai_models.card import Stage
from gateway.access import access_of, administrators_only
from gateway.chains.standing import stranded_now
from gateway.deps import DatabaseOf, RegistryOf
from gateway.models import stages
from gateway.registry import RegisteredModel
from gateway.routers.models import ModelView

router = APIRouter(prefix="/api/v1/models", tags=["models"])


class Move(BaseModel):
    """Why a version changes its stage, and what becomes of the one whose place it takes."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(default="", max_length=stages.LONGEST_NOTE, description="why; it is kept")
    displaced: Literal["retired", "shadow"] = Field(
        default="retired", description="stage of the version that was live until now"
    )

    def order(self, request: Request) -> stages.Order:
        return stages.Order(access_of(request).name, self.note, Stage(self.displaced))


class Promotion(Move):
    to: Literal["shadow", "live"] | None = Field(
        default=None, description="unset = the next: draft and retired to shadow, shadow to live"
    )


class Retirement(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: str = Field(default="", max_length=stages.LONGEST_NOTE, description="why; it is kept")


class RetiredView(ModelView):
    """A version that has been retired, and who took the findings of its model."""

    stranded: list[str] = Field(
        description="names and versions in use that take findings which no live version gives now"
    )


class StageChange(BaseModel):
    """found: the stage before, empty at the registration. at: seconds since the epoch."""

    version: str
    found: str
    stage: Stage
    at: float
    changed_by: str = Field(description="name of the token")
    note: str


@router.get("/{name}/{version}/history")
def history(
    name: str, version: str, registry: RegistryOf, database: DatabaseOf
) -> list[StageChange]:
    """Who moved it to which stage, when and why; newest first."""
    registry.version(name, version)
    with database.read() as session:
        changes = stages.history(session, name, version)
        return [StageChange.model_validate(one, from_attributes=True) for one in changes]


@router.post("/{name}/{version}/promote", dependencies=[Depends(administrators_only)])
def promote(
    request: Request,
    name: str,
    version: str,
    database: DatabaseOf,
    move: Promotion = Promotion(),
) -> ModelView:
    """To shadow or live. The version that was live until then is retired, or goes to shadow."""
    to = Stage(move.to) if move.to else None
    with database.write() as session:
        row = stages.promote(session, name, version, move.order(request), to)
        return ModelView.of(RegisteredModel.of(row))


@router.post("/{name}/{version}/retire", dependencies=[Depends(administrators_only)])
def retire(
    request: Request,
    name: str,
    version: str,
    database: DatabaseOf,
    why: Retirement = Retirement(),
) -> RetiredView:
    """It is given no new work; what is ordered already is done."""
    with database.write() as session:
        order = stages.Order(access_of(request).name, why.note)
        view = ModelView.of(RegisteredModel.of(stages.retire(session, name, version, order)))
        return RetiredView(**dict(view), stranded=stranded_now(session, name))


@router.post("/{name}/roll-back", dependencies=[Depends(administrators_only)])
def roll_back(request: Request, name: str, database: DatabaseOf, move: Move = Move()) -> ModelView:
    """The version that was live before is live again, and answered."""
    with database.write() as session:
        row = stages.roll_back(session, name, move.order(request))
        return ModelView.of(RegisteredModel.of(row))
