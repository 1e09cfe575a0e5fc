"""Versions of a model called `copy`, put into the registry without loading what runs them."""

import time

from ai_models.card import ModelCard, Stage
from gateway.models import stages
from gateway.registry import RegisteredModel
from gateway.services import Services
from gateway.store.tables import ModelRow
from tests.cards import LEAST

TOKEN = "a-token-for-tests"
NAME = "copy"
CARD = LEAST | {
    "name": NAME,
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
