"""Versions of a model called `copy`, put into the registry without loading what runs them."""

import time

from ai_models.card import ModelCard, Stage
from gateway.models import stages
from gateway.registry import RegisteredModel
from gateway.services import Services
from gateway.store.tables import ModelRow

NAME = "copy"
CARD = {
    "name": NAME,
    "version": "1",
    "title": "A second lung model",
    "description": "The bundled class under another name.",
    "manufacturer": "Example",
    "intended_use": "Research use only.",
    "license": "Apache-2.0",
    "runtime": {"entry": "ai_models.lung_ct.model:LungCT"},
    "inputs": [{"modality": ["CT"]}],
}


def add(parts: Services, version: str, stage: Stage = Stage.DRAFT, **card) -> RegisteredModel:
    read = ModelCard.model_validate(CARD | {"version": version} | card)
    row = ModelRow(
        name=read.name,
        version=version,
        digest=f"digest of {version}",
        card=read.model_dump_json(),
        registered_at=time.time(),
    )
    with parts.database.write() as session:
        stages.begin(session, row, stages.Order("tester"), stage)
        return RegisteredModel.of(row)
