"""Models: register, list, and what use is made of them."""

from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from ai_models.card import ModelCard, Stage
from gateway.access import access_of, administrators_only
from gateway.deps import DatabaseOf, RegistryOf, ServicesOf
from gateway.models.deleting import delete_version
from gateway.models.uploads import CARD, media_type_of, received, received_card
from gateway.models.usage import usage
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
    pickles: bool = Field(
        description="whether it cannot be loaded without pickled code that it brought, which runs "
        "when it is read (AIRGATE_ALLOW_PICKLES)"
    )
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
            pickles=model.pickles,
            card=model.card,
        )


class SpreadView(BaseModel):
    """Seconds: half of the runs took no longer than `median`, 95 % no longer than `p95`."""

    step: str
    runs: int
    median: float
    p95: float


class UsageView(BaseModel):
    """Work by outcome. `live` is clinical; what was kept apart is `shadow`; tries are neither."""

    days: float
    live: dict[str, int]
    shadow: dict[str, int]
    tries: int
    unfinished: int = Field(description="ordered and not ended, now")
    last_ended_at: float | None = Field(description="seconds since the epoch, however long ago")
    spreads: list[SpreadView]


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


@router.delete("/{name}/{version}", status_code=204, dependencies=[Depends(administrators_only)])
def delete(name: str, version: str, database: DatabaseOf) -> None:
    """A draft or a retired version that no result names; 409 says what stands against it."""
    with database.write() as session:
        delete_version(session, name, version)


@router.get("/{name}/{version}/usage")
def usage_of(
    name: str,
    version: str,
    registry: RegistryOf,
    database: DatabaseOf,
    days: Annotated[float, Query(gt=0, le=3650)] = 30,
) -> UsageView:
    """How its work of the last days ended, and what took how long (the latest 1000 runs)."""
    registry.version(name, version)
    with database.read() as session:
        return UsageView.model_validate(usage(session, name, version, days), from_attributes=True)
