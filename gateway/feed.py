"""The events of the trace as they are committed, from whichever process, to those who listen.

Listeners read pages out of the table, so that a slow one takes no more memory than a quick one.
One look at the table for all of them tells how far they may read: ids are drawn before commit, so
on PostgreSQL a lower one may turn up after a higher one, and whoever has read past it missed it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from gateway.store.database import Database
from gateway.store.tables import EventRow

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
BEAT_SECONDS = 15.0  # proxies give up connections on which nothing comes for a minute
PAGE = 100  # events read at once

_LATEST = "SELECT coalesce(max(id), 0) FROM events"
_WITH_SNAPSHOT = f"""
SELECT ({_LATEST}),
       CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint),
       CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)
"""


class Horizon:
    """Up to which id every event is either committed or never will be."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending: tuple[int, int] | None = None
        self.settled: int | None = None

    def look(self) -> int | None:
        """Look again; None while it is not known yet."""
        with self._database.read() as session:
            if self._database.is_sqlite:  # one writer at a time: ids are in the order of commits
                self.settled = session.scalar(text(_LATEST))
                return self.settled
            latest, oldest_running, next_begun = session.execute(text(_WITH_SNAPSHOT)).one()
        # What was seen at one look is settled when every transaction of that time has ended.
        if self._pending is not None and oldest_running >= self._pending[1]:
            self.settled = self._pending[0]
            self._pending = None
        if self._pending is None:
            self._pending = latest, next_begun
        return self.settled


class Feed:
    """For one process and its event loop. It looks only while somebody listens."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners = 0
        self._watch: asyncio.Task[None] | None = None
        self._settled: int | None = None
        self._moved = asyncio.Event()
        self._ended = False

    def end(self) -> None:
        """Let every listener go soon, for a server that stops. Safe in a signal handler."""
        self._ended = True

    async def follow(
        self, after: int | None, study_instance_uid: str | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        """Pages of events in the order of their ids; an empty one now and then, as a sign of life.

        after: id of the last event that is known already; None = only what comes from now on.
        """
        self._listeners += 1
        if self._watch is None:
            self._settled = None
            self._watch = asyncio.create_task(self._look_on())
        try:
            while not self._ended:
                if after is None:
                    after = self._settled
                if after is not None and self._settled is not None and after < self._settled:
                    upto = self._settled
                    page = await run_in_threadpool(self._page, after, upto, study_instance_uid)
                    after = page[-1].id if len(page) == PAGE else upto
                    if page:
                        yield page
                elif not await self._news():
                    yield ()
        finally:
            self._listeners -= 1
            if not self._listeners and self._watch is not None:
                self._watch.cancel()
                self._watch = None

    async def _news(self) -> bool:
        """Wait for something new; False when nothing came for long, or the feed has ended."""
        try:
            await asyncio.wait_for(self._moved.wait(), BEAT_SECONDS)
        except TimeoutError:
            return False
        return not self._ended

    async def _look_on(self) -> None:
        horizon = Horizon(self._database)
        while not self._ended:
            try:
                settled = await run_in_threadpool(horizon.look)
            except SQLAlchemyError as error:
                log.warning("events cannot be followed now: %s", type(error).__name__)
            else:
                if settled != self._settled:
                    self._settled = settled
                    self._wake()
            await asyncio.sleep(LOOK_SECONDS)
        self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    def _page(self, after: int, upto: int, study_instance_uid: str | None) -> Sequence[EventRow]:
        query = select(EventRow).where(EventRow.id > after, EventRow.id <= upto)
        if study_instance_uid is not None:
            query = query.where(EventRow.study_instance_uid == study_instance_uid)
        with self._database.read() as session:
            return session.scalars(query.order_by(EventRow.id).limit(PAGE)).all()
