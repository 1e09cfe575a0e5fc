"""Bring a database to the tables of this version, or say why it cannot be used."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import DatabaseUnusable
from gateway.store.database import Database


def migrate(database: Database) -> None:
    """Upgrade to the newest migration. Raises DatabaseUnusable."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (SQLAlchemyError, CommandError, OSError) as error:
        url = database.url.render_as_string(hide_password=True)
        raise DatabaseUnusable(url, _one_line(error)) from error


def _one_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
