"""The follower's own process: indexing years of an archive must not slow down who asks for them."""

import logging
import os
import threading

from sqlalchemy.exc import SQLAlchemyError

from adapters.errors import ArchiveUnavailable
from adapters.orthanc import OrthancArchive
from gateway import services
from gateway.archives import connect
from gateway.following.cursor import archive_name
from gateway.following.follower import AnotherArchive, Follower
from gateway.following.leader import Lead, lead
from gateway.logs import set_up_logs
from gateway.settings import Settings
from gateway.stopping import StopSignal

NICENESS = 5
TURN_SECONDS = 1.0
BUSY_PAUSE_SECONDS = 0.1  # beside 0.5 s of walking: Orthanc has others to serve too
LEAD_SECONDS = 5.0
BACK_OFF_SECONDS = (1, 2, 5, 10, 30)
STOP_SECONDS = 5.0

log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Follow until SIGTERM or SIGINT. Expects a migrated database, and an Orthanc as archive."""
    set_up_logs()
    stop = StopSignal()
    os.nice(NICENESS)
    ended = threading.Event()
    thread = threading.Thread(target=follow, args=(settings, ended), name="follower", daemon=True)
    thread.start()
    stop.wait()
    ended.set()
    thread.join(STOP_SECONDS)
    os._exit(0)  # what is under way is one transaction; the next follower does it again


def follow(settings: Settings, ended: threading.Event) -> None:
    """Follow whenever no other process does, and outlive every failure."""
    archive = connect(settings)
    if not isinstance(archive, OrthancArchive):
        return
    database = services.open_database(settings)
    follower = Follower(services.build(settings, archive, database), archive)
    while not ended.is_set():
        try:
            with lead(database, settings.data, archive_name(settings)) as held:
                if held is not None:
                    _follow(follower, held, ended)
        except SQLAlchemyError as error:
            log.error("the database cannot be asked who follows: %s", type(error).__name__)
        ended.wait(LEAD_SECONDS)


def _follow(follower: Follower, held: Lead, ended: threading.Event) -> None:
    """Turn by turn until the lead is lost. Raises SQLAlchemyError then."""
    follower.resume()
    failures = 0
    while not ended.is_set() and held.is_held():
        try:
            more = follower.turn()
        except Exception as error:  # the loop outlives any failure
            _tell(error, failures)
            follower.resume()
            ended.wait(BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)])
            failures += 1
            continue
        failures = 0
        ended.wait(BUSY_PAUSE_SECONDS if more else TURN_SECONDS)


def _tell(error: Exception, failures: int) -> None:
    if not isinstance(error, (ArchiveUnavailable, AnotherArchive, SQLAlchemyError)):
        log.exception("following the archive failed; trying again")
    elif not failures:
        told = getattr(error, "orig", None) or error
        log.warning("following the archive is interrupted: %s", told)
