"""The DIMSE listener's own process: pynetdicom is bound by one interpreter's lock."""

from gateway import services
from gateway.archives import connect
from gateway.dimse import run_listener
from gateway.logs import set_up_logs
from gateway.settings import Settings
from gateway.stopping import StopSignal


def run(settings: Settings) -> None:
    """Listen until SIGTERM or SIGINT. Expects a migrated database."""
    set_up_logs()
    stop = StopSignal()
    database = services.open_database(settings)
    ingest = services.build(settings, connect(settings), database).ingest
    try:
        run_listener(settings, ingest, stop)
    finally:
        ingest.close()
        database.close()
