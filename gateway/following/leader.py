"""One process among all on a database that has a duty, such as following: who holds its lock."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from gateway.file_lock import locked_file
from gateway.store.database import Database


class Lead(Protocol):
    def is_held(self) -> bool:
        """Whether the lock is still ours. Raises what the database raises."""
        ...


class FileLead:
    """SQLite is used by the processes of one machine."""

    def is_held(self) -> bool:
        return True


class PostgresLead:
    """An advisory lock lasts as long as its connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_held(self) -> bool:
        self._connection.execute(text("SELECT 1"))
        return True


@contextmanager
def lead(
    database: Database, data: Path, archive: str, *, duty: str = "follower"
) -> Iterator[Lead | None]:
    """The lead in a duty for this archive, or None while another process has it."""
    by_file = database.is_sqlite
    chosen = _by_file(data, duty) if by_file else _by_postgresql(database, f"{duty} {archive}")
    with chosen as held:
        yield held


@contextmanager
def _by_file(data: Path, duty: str) -> Iterator[Lead | None]:
    try:
        lock = locked_file(data / "locks" / f"{duty}.lock", wait=False)
    except BlockingIOError:
        yield None
        return
    with lock:
        yield FileLead()


@contextmanager
def _by_postgresql(database: Database, duty: str) -> Iterator[Lead | None]:
    engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    number = zlib.crc32(f"airgate {duty}".encode())
    with engine.connect() as connection:
        taken = connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": number})
        if not taken:
            yield None
            return
        try:
            yield PostgresLead(connection)
        finally:
            with suppress(SQLAlchemyError):  # a broken connection has lost the lock already
                connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})
