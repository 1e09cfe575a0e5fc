"""A database as an older version of the gateway left it."""

from alembic import command
from alembic.config import Config

from gateway.store.database import Database
from gateway.store.migrate import MIGRATIONS


def downgrade(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
