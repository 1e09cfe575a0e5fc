"""Models: register, list, and move from stage to stage."""

from functools import partial
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from ai_models.card import ModelCard, Stage
from gateway.access import access_of, administrators_only
from gateway.deps import DatabaseOf, RegistryOf, ServicesOf
from gateway.models import stages
from gateway.models.uploads import CARD, media_type_of, received, received_card
from gateway.registry import RegisteredModel

router = APIRouter(prefix="/api/v1/models", tags=["models"])


class ModelView(BaseModel):
    """One version of a model with the build behind it."""

    name: str
    version: str
    stage: Stage = Field(description="where it stands now; the card tells where it began")
    digest: str = Field(description="of the build: artefact and card")
    artefact: str = Field(description="sha256 of what was uploaded, or empty")
    device_uid: str
    registered_at: float
    card: ModelCard

    @classmethod
    def of(cls, model: RegisteredModel) -> "ModelView":
        return cls(
            name=model.card.name,
            version=model.card.version,
            stage=model.stage,
            digest=model.digest,
            artefact=model.artefact.digest if model.artefact else "",
            device_uid=model.algorithm.device_uid,
            registered_at=model.registered_at,
            card=model.card,
        )


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


class StageChange(BaseModel):
    """found: the stage before, empty at the registration. at: seconds since the epoch."""

    version: str
    found: str
    stage: Stage
    at: float
    changed_by: str = Field(description="name of the token")
    note: str


_FILE: dict[str, Any] = {"type": "string", "format": "binary"}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": ModelCard.model_json_schema()},
            "application/zip": {"schema": _FILE},
            "application/gzip": {"schema": _FILE},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"card": {"type": "string"}, "file": _FILE},
                }
            },
        },
    }
}


@router.post(
    "",
    status_code=201,
    openapi_extra=_BODY,
    dependencies=[Depends(administrators_only)],
)
async def register(
    request: Request,
    services: ServicesOf,
    sha256: Annotated[str | None, Query(description="of the artefact, in hexadecimal")] = None,
) -> ModelView:
    """Register a model: its card as JSON (the entry must be importable here); a zip or tar.gz
    archive with `card.toml` and the code at its root; or a form with the card and a file.

    Content-Digest or Repr-Digest, where sent, must fit. The model is loaded once to prove that it
    can be.
    """
    registry, by = services.registry, access_of(request).name
    if media_type_of(request) == CARD:
        card = await received_card(request)
        return ModelView.of(await to_thread.run_sync(registry.add_card, card, by))
    async with received(request, services.settings, sha256) as upload:
        add = partial(registry.add_artefact, upload.path, by, name=upload.name, card=upload.card)
        return ModelView.of(await to_thread.run_sync(add))


@router.get("")
def all_models(registry: RegistryOf) -> list[ModelView]:
    return [ModelView.of(model) for model in registry.versions()]


@router.get("/card-schema")
def card_schema() -> dict[str, Any]:
    """The JSON Schema of a model card."""
    return ModelCard.model_json_schema()


@router.get("/{name}")
def versions(name: str, registry: RegistryOf) -> list[ModelView]:
    """All versions of one model, newest first."""
    return [ModelView.of(model) for model in registry.versions(name)]


@router.get("/{name}/{version}")
def version(name: str, version: str, registry: RegistryOf) -> ModelView:
    return ModelView.of(registry.version(name, version))


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
) -> ModelView:
    """It is given no new work; what is ordered already is done."""
    with database.write() as session:
        order = stages.Order(access_of(request).name, why.note)
        return ModelView.of(RegisteredModel.of(stages.retire(session, name, version, order)))


@router.post("/{name}/roll-back", dependencies=[Depends(administrators_only)])
def roll_back(request: Request, name: str, database: DatabaseOf, move: Move = Move()) -> ModelView:
    """The version that was live before is live again, and answered."""
    with database.write() as session:
        row = stages.roll_back(session, name, move.order(request))
        return ModelView.of(RegisteredModel.of(row))
