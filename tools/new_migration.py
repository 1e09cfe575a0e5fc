"""Write the next migration from the difference between the tables and the newest migration.

python tools/new_migration.py 0002 "what it adds"
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from gateway.store.database import Database
from gateway.store.migrate import migrate

MIGRATIONS = Path(__file__).parents[1] / "gateway" / "store" / "migrations"


def main(revision: str, message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/new.db")
        migrate(database)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True, rev_id=revision)
        database.close()


if __name__ == "__main__":
    main(*sys.argv[1:3])
