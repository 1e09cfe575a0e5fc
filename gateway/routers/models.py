"""Models: register, list, enable, disable."""

import tempfile
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ValidationError

from ai_models.card import ModelCard
from gateway.access import administrators_only
from gateway.deps import RegistryOf
from gateway.errors import GatewayError, Unprocessable
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
    enabled: bool
    digest: str
    device_uid: str
    registered_at: float
    card: ModelCard

    @classmethod
    def of(cls, model: RegisteredModel) -> "ModelView":
        return cls(
            name=model.card.name,
            version=model.card.version,
            enabled=model.enabled,
            digest=model.digest,
            device_uid=model.algorithm.device_uid,
            registered_at=model.registered_at,
            card=model.card,
        )


class Switch(BaseModel):
    enabled: bool


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


@router.patch("/{name}/{version}", dependencies=[Depends(administrators_only)])
def switch(name: str, version: str, change: Switch, registry: RegistryOf) -> ModelView:
    """Enable or disable a version. Workitems that exist already are not touched."""
    return ModelView.of(registry.set_enabled(name, version, change.enabled))


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
    return ModelView.of(await to_thread.run_sync(registry.add_entry_point, card))


async def _register_archive(request: Request, registry: Registry) -> ModelView:
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAXIMUM_ARCHIVE_BYTES:
                raise TooLarge(f"the archive is larger than {MAXIMUM_ARCHIVE_BYTES} bytes")
            await to_thread.run_sync(file.write, chunk)
        file.flush()
        return ModelView.of(await to_thread.run_sync(registry.add_archive, Path(file.name)))
