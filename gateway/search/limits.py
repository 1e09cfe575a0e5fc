"""How long a search may work in the database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import QueryCanceled
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from gateway.search.errors import SearchTooBroad

_STEPS = 20_000  # of SQLite's virtual machine between two looks at the clock


class Deadline:
    """A point of time; `check` raises SearchTooBroad after it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._at

    def check(self) -> None:
        if self.is_over:
            raise SearchTooBroad(self.seconds)


@contextmanager
def limited(session: Session, seconds: float) -> Iterator[Deadline]:
    """Ends statements that are not done in time. Raises SearchTooBroad.

    PostgreSQL counts the time of each statement on its own.
    """
    deadline = Deadline(seconds)
    connection = session.connection()
    is_sqlite = connection.dialect.name == "sqlite"
    sqlite = connection.connection.driver_connection if is_sqlite else None
    if sqlite is None:
        session.execute(text(f"SET LOCAL statement_timeout = {int(seconds * 1000) + 1}"))
    else:
        sqlite.set_progress_handler(lambda: deadline.is_over, _STEPS)
    try:
        yield deadline
    except OperationalError as error:
        if isinstance(error.orig, QueryCanceled) or str(error.orig) == "interrupted":
            raise SearchTooBroad(seconds) from error
        raise
    finally:
        if sqlite is not None:
            sqlite.set_progress_handler(None, 0)
