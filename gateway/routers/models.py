"""Models: register, list, and move from stage to stage."""

import tempfile
from pathlib import Path
from typing import Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ai_models.card import ModelCard, Stage
from gateway.access import access_of, administrators_only
from gateway.deps import DatabaseOf, RegistryOf
from gateway.errors import GatewayError, Unprocessable
from gateway.models import stages
from gateway.registry import RegisteredModel, Registry
from gateway.validation import faults

router = APIRouter(prefix="/api/v1/models", tags=["models"])

ARCHIVE_TYPES = ("application/zip", "application/x-zip-compressed")
MAXIMUM_CARD_BYTES = 1 << 20
MAXIMUM_ARCHIVE_BYTES = 8 << 30


class ModelView(BaseModel):
    """One version of a model with the build behind it."""

    name: str
    version: str
    stage: Stage = Field(description="where it stands now; the card tells where it began")
    digest: str
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


class UnsupportedBody(GatewayError):
    status = 415


class TooLarge(GatewayError):
    status = 413


_CARD_OR_ARCHIVE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": ModelCard.model_json_schema()},
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post(
    "",
    status_code=201,
    openapi_extra=_CARD_OR_ARCHIVE,
    dependencies=[Depends(administrators_only)],
)
async def register(request: Request, registry: RegistryOf) -> ModelView:
    """Register a model: its card as JSON (the entry must be importable here), or a zip archive
    with `card.toml` and the code at its root. The model is loaded once to prove that it can be.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return await _register_card(request, registry)
    if kind in ARCHIVE_TYPES:
        return await _register_archive(request, registry)
    raise UnsupportedBody(
        f"Content-Type is {kind[:80] or 'absent'!r}; expected application/json with a model card, "
        "or application/zip with card.toml and the code"
    )


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


async def _register_card(request: Request, registry: Registry) -> ModelView:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAXIMUM_CARD_BYTES:
            raise TooLarge(f"the card is larger than {MAXIMUM_CARD_BYTES} bytes")
    try:
        card = ModelCard.model_validate_json(bytes(body))
    except ValidationError as error:
        told = "; ".join(faults(error.errors(include_url=False, include_input=False)))
        raise Unprocessable(f"not a model card: {told}") from error
    return ModelView.of(await to_thread.run_sync(registry.add_card, card, access_of(request).name))


async def _register_archive(request: Request, registry: Registry) -> ModelView:
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAXIMUM_ARCHIVE_BYTES:
                raise TooLarge(f"the archive is larger than {MAXIMUM_ARCHIVE_BYTES} bytes")
            await to_thread.run_sync(file.write, chunk)
        file.flush()
        by = access_of(request).name
        return ModelView.of(await to_thread.run_sync(registry.add_archive, Path(file.name), by))
