"""Fixtures of the gateway's tests."""

from collections.abc import Iterator

import pytest

from gateway.store.database import Database
from gateway.store.migrate import migrate
from tests.gateway.fhir_client import client_of, fill
from tests.gateway.index_helper import Gateway
from tests.gateway.retrieve_example import FILES
from tests.gateway.search_example import searchable


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[Gateway]:
    """The read side of a gateway that holds every file of tests/gateway/retrieve_example.py."""
    gateway = Gateway(tmp_path_factory.mktemp("retrieve"))
    gateway.store(*(FILES[name] for name in reversed(FILES)))
    yield gateway
    gateway.close()


@pytest.fixture(scope="module")
def root(gateway) -> Iterator[str]:
    """Where that gateway answers DICOMweb requests."""
    with gateway.serving() as root:
        yield f"{root}/dicom-web"


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


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def search_root(request, tmp_path_factory):
    """A gateway that holds the four studies, on a database of each kind in turn."""
    is_sqlite = request.param == "sqlite"
    url = None if is_sqlite else request.getfixturevalue("postgresql").new_database()
    with searchable(tmp_path_factory.mktemp("search"), database_url=url) as root:
        yield root
