"""What must be done now and then by one process of all: forgetting what nobody asks for any more.

Jobs that wait for their time need no chore: the engine keeps their times.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy import delete, func, select

from gateway.completion.forgetting import forget_evidence
from gateway.engine import JobQueue
from gateway.following.leader import lead
from gateway.models import tries
from gateway.models.artefacts import KEPT_SECONDS, Artefact, Artefacts, in_service, referred_to
from gateway.repeating import repeating
from gateway.services import artefacts_of
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.tables import EventRow

CHORE_SECONDS = 3600.0
JOBS_KEPT_SECONDS = 7 * 86_400.0  # ended ones, which hold no more than the UID of their workitem
AT_ONCE = 1000  # rows in one transaction, so that nobody waits for long

log = logging.getLogger(__name__)


@contextmanager
def chores(settings: Settings, database: Database, jobs: JobQueue) -> Iterator[None]:
    """Every hour while the block runs, in one of all processes that ask for it.

    But each looks after the artefacts and environments of its own machine.
    """
    artefacts = artefacts_of(settings)

    def chore() -> None:
        tidy(artefacts, database)
        with lead(database, settings.data, "", duty="chores") as held:
            if held is not None:
                clean_up(settings, database, jobs)

    failed = "cleaning up failed; trying again in an hour"
    with repeating(chore, name="chores", seconds=CHORE_SECONDS, failed=failed, log=log):
        yield


def tidy(artefacts: Artefacts, database: Database) -> None:
    """What this machine has of models that are gone, or run no more."""
    before = time.time() - KEPT_SECONDS
    artefacts.tidy(_artefacts_known(database), before)
    with database.read() as session:
        needed = in_service(session)
    artefacts.tidy_environments(needed, before)


def clean_up(settings: Settings, database: Database, jobs: JobQueue) -> None:
    now = time.time()
    forgotten = jobs.forget(now - JOBS_KEPT_SECONDS)
    before = now - settings.trace_days * 86_400
    events = forget_events(database, before)
    forget_evidence(database, before)
    tried = tries.forget_old(database)
    known = partial(_artefacts_known, database)
    artefacts = artefacts_of(settings).clean_up(known, now - KEPT_SECONDS)
    if forgotten or events or tried or artefacts:
        told = {"jobs": forgotten, "events": events, "tries": tried, "artefacts": artefacts}
        log.info("cleaned up", extra=told)


def _artefacts_known(database: Database) -> set[Artefact]:
    with database.read() as session:
        return referred_to(session)


def forget_events(database: Database, before: float) -> int:
    """Delete the lines of traces that are older than that; how many they were.

    The last line stays, or SQLite would give its id again, which listeners have passed.
    """
    last = select(func.max(EventRow.id)).scalar_subquery()
    total = 0
    while True:
        with database.write() as session:
            old = select(EventRow.id).where(EventRow.at < before, EventRow.id < last).limit(AT_ONCE)
            ids = session.scalars(old).all()
            session.execute(delete(EventRow).where(EventRow.id.in_(ids)))
        total += len(ids)
        if len(ids) < AT_ONCE:
            return total
