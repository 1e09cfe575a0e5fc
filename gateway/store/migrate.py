"""Bring a database to the tables of this version, or say why it cannot be used."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from gateway.errors import DatabaseUnusable
from gateway.search import derived
from gateway.store.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Upgrade to the newest migration, all of it or nothing. Raises DatabaseUnusable.

    What searches find studies by is then derived anew, since a migration may have changed it.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            before = MigrationContext.configure(connection).get_current_revision()
            command.upgrade(config, "head")
            if before != MigrationContext.configure(connection).get_current_revision():
                derived.refresh_all(Session(connection))
    except (SQLAlchemyError, CommandError, OSError) as error:
        url = database.url.render_as_string(hide_password=True)
        raise DatabaseUnusable(url, _one_line(error)) from error


def _one_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
