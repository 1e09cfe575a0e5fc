"""An operator allows pickled code, or not: what becomes of a model that needs it."""

import io

import torch
from starlette.testclient import TestClient

from adapters.memory import MemoryArchive
from gateway import services
from gateway.app import create_app
from gateway.services import Services
from gateway.settings import Settings
from tests.gateway.models.archives import zipped
from tests.gateway.models.example import TOKEN

CARD = """
    name = "pickled"
    version = "1"
    title = "Pickled"
    description = "Loads a network as it was saved."
    manufacturer = "Tests"
    intended_use = "Tests only."
    license = "Apache-2.0"
    runtime.entry = "pickled:Pickled"
    inputs = [{modality = ["CT"]}]
"""
CODE = """
    from pathlib import Path

    import torch


    class Pickled:
        def __init__(self):
            self.network = torch.load(Path(__file__).with_name("network.pt"), weights_only=False)

        def predict(self, inputs):
            return []
"""


def archive(content: object) -> bytes:
    saved = io.BytesIO()
    torch.save(content, saved)
    members = (("card.toml", CARD), ("pickled.py", CODE), ("network.pt", saved.getvalue()))
    return zipped(*members)


def house_that(settings: Settings, database) -> Services:
    return services.build(settings, MemoryArchive(), database)


def client_of(house: Services) -> TestClient:
    return TestClient(create_app(house, TOKEN), headers={"Authorization": f"Bearer {TOKEN}"})


def register(house: Services, content: object):
    headers = {"Content-Type": "application/zip"}
    return client_of(house).post("/api/v1/models", content=archive(content), headers=headers)


def test_pickled_code_runs_only_where_it_is_allowed_and_needed_and_is_shown(sqlite, tmp_path):
    settings = Settings(data=tmp_path, archive="folder", token=TOKEN)
    strict = house_that(settings, sqlite)
    lenient = house_that(settings.model_copy(update={"allow_pickles": True}), sqlite)

    refused = register(strict, torch.nn.Conv3d(1, 2, 1))
    assert refused.status_code == 422
    assert "AIRGATE_ALLOW_PICKLES" in refused.json()["detail"]

    taken = register(lenient, torch.nn.Conv3d(1, 2, 1))
    assert (taken.status_code, taken.json()["pickles"]) == (201, True)
    page = client_of(strict).get("/ui/models/pickled/1")
    assert "Pickled code" in page.text

    model = lenient.registry.version("pickled", "1")
    assert lenient.registry.loadable(model).pickles
    assert not strict.registry.loadable(model).pickles  # where it was switched off since


def test_plain_tensors_need_no_permission_even_where_it_is_given(sqlite, tmp_path):
    settings = Settings(data=tmp_path, archive="folder", token=TOKEN, allow_pickles=True)
    answer = register(house_that(settings, sqlite), {"weight": torch.zeros(2)})
    assert (answer.status_code, answer.json()["pickles"]) == (201, False)
