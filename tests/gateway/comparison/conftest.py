"""A gateway's parts on each kind of database, and an administrator who speaks to it."""

import pytest
from starlette.testclient import TestClient

from adapters.memory import MemoryArchive
from gateway import services
from gateway.app import create_app
from gateway.services import Services
from gateway.settings import Settings
from tests.gateway.models.example import TOKEN


@pytest.fixture
def house(database, tmp_path) -> Services:
    settings = Settings(data=tmp_path, archive="folder", token=TOKEN)
    return services.build(settings, MemoryArchive(), database)


@pytest.fixture
def client(house) -> TestClient:
    return TestClient(
        create_app(house, TOKEN),
        headers={"Authorization": f"Bearer {TOKEN}"},
        follow_redirects=False,
    )
