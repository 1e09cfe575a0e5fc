"""Fixtures that several folders share: databases of both kinds, and a gateway's parts in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.memory import MemoryArchive
from gateway import services
from gateway.services import Services
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.migrate import migrate
from tests.postgresql import PostgreSQL, postgresql_binaries


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server of our own on a free port; skips where none is installed."""
    if postgresql_binaries() is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    server = PostgreSQL()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'airgate.db'}"
    return request.getfixturevalue("postgresql").new_database()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database of each kind in turn."""
    database = Database(database_url)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'airgate.db'}")
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def parts(sqlite: Database, tmp_path: Path) -> Services:
    """The gateway's parts on SQLite and an archive in memory."""
    settings = Settings(data=tmp_path, archive="folder", token="a-token-for-tests")
    return services.build(settings, MemoryArchive(), sqlite)
