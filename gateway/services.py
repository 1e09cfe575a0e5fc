"""Where the parts meet: one value with everything that routers and workers use."""

from dataclasses import dataclass

from adapters.archive import Archive
from gateway.completion import note_arrival
from gateway.ingest import Ingest
from gateway.registry import Registry
from gateway.settings import Settings
from gateway.store.database import Database


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
        Registry(database, settings.data / "models"),
    )


def open_database(settings: Settings) -> Database:
    """The database of the settings, with its folder made. Tables are gateway.store.migrate's."""
    settings.data.mkdir(parents=True, exist_ok=True)
    return Database(settings.resolved_database_url)
