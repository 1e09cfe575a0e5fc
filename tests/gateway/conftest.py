"""Fixtures of the gateway's tests."""

import pytest

from gateway.store.database import Database
from gateway.store.migrate import migrate
from tests.gateway.fhir_client import client_of, fill


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def filled_fhir(request, tmp_path_factory):
    """A FHIR client on a filled database of each kind in turn, for tests that only look."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path_factory.mktemp('fhir') / 'airgate.db'}")
    else:
        database = Database(request.getfixturevalue("postgresql").new_database())
    migrate(database)
    fill(database)
    yield client_of(database)
    database.close()


@pytest.fixture
def fhir_client(database):
    """A FHIR client on an empty database of each kind in turn."""
    return client_of(database)
