"""A worklist on each kind of database, for all tests of a module: they use UIDs of their own."""

from collections.abc import Iterator

import pytest

from adapters.memory import MemoryArchive
from gateway import services
from gateway.services import Services
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.migrate import migrate
from tests.gateway.ups.example import TOKEN, Worklist, worklist


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def parts(request, tmp_path_factory) -> Iterator[Services]:
    """The gateway's parts on each kind of database in turn, for all tests of a module."""
    folder = tmp_path_factory.mktemp("ups")
    url = f"sqlite:///{folder / 'airgate.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").new_database()
    database = Database(url)
    migrate(database)
    settings = Settings(data=folder, archive="folder", token=TOKEN)
    yield services.build(settings, MemoryArchive(), database)
    database.close()


@pytest.fixture(scope="module")
def ups(parts) -> Iterator["Worklist"]:
    with worklist(parts) as ups:
        yield ups
