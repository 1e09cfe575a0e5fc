"""Where the parts meet: one value with everything that routers and workers use."""

from dataclasses import dataclass

from adapters.archive import Archive
from adapters.artefact_store import ArtefactStore
from adapters.runtimes.kept_process import Surroundings
from gateway.completion import note_arrival
from gateway.errors import DatabaseUnusable
from gateway.ingest import Ingest
from gateway.models.artefacts import Artefacts
from gateway.registry import Registry
from gateway.settings import Settings
from gateway.store.database import Database

DATABASES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")


@dataclass(frozen=True)
class Services:
    settings: Settings
    database: Database
    archive: Archive
    ingest: Ingest
    registry: Registry


def build(settings: Settings, archive: Archive, database: Database) -> Services:
    return Services(
        settings,
        database,
        archive,
        Ingest(database, archive, settings, note_arrival),
        registry_of(settings, database),
    )


def registry_of(settings: Settings, database: Database) -> Registry:
    return Registry(
        database,
        artefacts_of(settings),
        surroundings_of(settings),
        allow_pickles=settings.allow_pickles,
    )


def surroundings_of(settings: Settings) -> Surroundings:
    """Where models run."""
    return Surroundings(
        network=settings.model_network, apart=settings.data, reads=settings.model_readable
    )


def artefacts_of(settings: Settings) -> Artefacts:
    """Raises ArtefactsUnavailable where AIRGATE_ARTEFACTS names no store that can be used."""
    return Artefacts(ArtefactStore(settings.artefacts_url), settings.data / "models")


def open_database(settings: Settings) -> Database:
    """The database of the settings, with its folder made. Tables are gateway.store.migrate's.

    Raises DatabaseUnusable for a URL that names neither SQLite nor PostgreSQL.
    """
    url = settings.resolved_database_url
    if not url.startswith(DATABASES):
        raise DatabaseUnusable(url.partition(":")[0] + "://...", "expected sqlite or postgresql")
    settings.data.mkdir(parents=True, exist_ok=True)
    return Database(url)
