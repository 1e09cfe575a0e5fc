"""`airgate serve`: everything on one machine, each part in its own process."""

import logging
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import uvicorn

from adapters.archive import Archive
from adapters.child_process import MindedProcess
from adapters.garbage import calm_collector
from adapters.orthanc_process import OrthancChild
from gateway import services
from gateway.app import create_app
from gateway.archives import connect
from gateway.auth import load_or_make_token
from gateway.equipment import VERSION
from gateway.errors import NotConfigured, PortTaken
from gateway.feed import Feed
from gateway.http_protocol import limited_http
from gateway.logs import set_up_logs
from gateway.metric_sums import FOLD_SECONDS, Folding
from gateway.repeating import repeating
from gateway.routing.reading import read_rules
from gateway.routing.versions import take_over
from gateway.settings import Settings
from gateway.store.migrate import migrate
from gateway.swapping import recovering
from gateway.telemetry.following import exporting, is_wanted
from gateway.tombstones import finishing
from gateway.ups.channel import Channels
from gateway.ups.notifications import minding

WORKER_STOP_SECONDS = 15.0
GOODBYE_SECONDS = 3.0  # for subscribers of the worklist to hear that the server goes down
LARGEST_MESSAGE = 64 << 10  # bytes that a client may say on a WebSocket; nothing is expected of it

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Run until SIGTERM or Ctrl-C, then stop every part in order."""
    set_up_logs()
    host, port = settings.http_address
    check_addresses(settings)
    prepare(settings)
    token = load_or_make_token(settings)
    with ExitStack() as stack:
        parts = stack.enter_context(_services(settings))
        _empty(settings.spool)
        stack.enter_context(finishing(parts.database, parts.archive))
        stack.enter_context(recovering(parts.ingest.swaps))
        stack.enter_context(_folding(parts))
        stack.enter_context(minding(parts.database))
        if is_wanted(os.environ):
            stack.enter_context(exporting(parts.database))
        for slot in range(settings.workers):
            _mind(stack, f"worker-{slot}", ["worker", "--slot", str(slot)])
        if settings.dicom_address:
            spool = {"TMPDIR": str(settings.spool.resolve())}  # where instances go as they come
            _mind(stack, "dimse", ["dimse"], spool)
        if settings.follow_changes and settings.archive != "folder":
            _mind(stack, "follower", ["follow"])
        _greet(settings)
        application = create_app(parts, token)
        stack.enter_context(application.state.retrieval.sweeping())
        config = uvicorn.Config(
            application,
            host=host,
            port=port,
            http=limited_http(settings.maximum_head_kb << 10),
            ws_max_size=LARGEST_MESSAGE,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            # Behind a proxy the headers are read by gateway/public_url.py alone.
            proxy_headers=False,
        )
        calm_collector()
        _Server(config, application.state.feed, application.state.channels).run()


def _folding(parts: services.Services) -> AbstractContextManager[None]:
    failed = "metrics were not summed; trying again"
    return repeating(
        Folding(parts.database).fold, name="metrics", seconds=FOLD_SECONDS, failed=failed, log=log
    )


class _Server(uvicorn.Server):
    """Streams of events have no end of their own: they are ended when the server is to stop."""

    def __init__(self, config: uvicorn.Config, feed: Feed, channels: Channels) -> None:
        super().__init__(config)
        self._feed, self._channels = feed, channels

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._feed.end()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._channels.end(GOODBYE_SECONDS)
        await super().shutdown(sockets)


def prepare(settings: Settings) -> None:
    """Migrate the database, register the bundled models, read the rules file."""
    rules = read_rules(settings.rules)
    _make_folder(settings)
    database = services.open_database(settings)
    try:
        migrate(database)
        services.registry_of(settings, database).add_bundled()
        with database.write() as session:
            take_over(session, rules)
    finally:
        database.close()


@contextmanager
def _services(settings: Settings) -> Iterator[services.Services]:
    with ExitStack() as stack:
        if settings.archive == "orthanc":
            child = OrthancChild(settings.data)
            child.start()
            stack.callback(child.stop)
        archive: Archive = connect(settings)
        database = services.open_database(settings)
        stack.callback(database.close)
        yield services.build(settings, archive, database)


def _mind(
    stack: ExitStack,
    name: str,
    arguments: list[str],
    environment: Mapping[str, str] | None = None,
) -> None:
    child = MindedProcess(
        name,
        [sys.executable, "-m", "gateway.cli", *arguments],
        environment,
        stop_seconds=WORKER_STOP_SECONDS,
    )
    child.start()
    stack.callback(child.stop)


def _make_folder(settings: Settings) -> None:
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        settings.spool.mkdir(exist_ok=True)
    except OSError as error:
        raise NotConfigured(
            f"the data folder {settings.data} cannot be used: {error.strerror}; "
            "set AIRGATE_DATA to a folder that this user may write"
        ) from error
    if not os.access(settings.data, os.W_OK):
        raise NotConfigured(
            f"the data folder {settings.data} cannot be written; "
            "set AIRGATE_DATA to a folder that this user may write"
        )


def check_addresses(settings: Settings) -> None:
    """Raises PortTaken when another program listens where this gateway should."""
    _check_free("AIRGATE_HTTP", *settings.http_address)
    if address := settings.dicom_address:
        _check_free("AIRGATE_DICOM", *address[1:])


def _check_free(setting: str, host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(setting, f"{host}:{port}") from error


def _empty(spool: Path) -> None:
    """Parts of uploads that a killed server did not finish; none of them was acknowledged."""
    for part in spool.iterdir():
        part.unlink()


def _greet(settings: Settings) -> None:
    print(
        f"Airgate {VERSION}, for research use only: {settings.root_url}/\n"
        f"  console {settings.root_url}/ui/   viewer {settings.root_url}/\n"
        f"  sign in with the token in {settings.data / 'token'}",
        flush=True,
    )
