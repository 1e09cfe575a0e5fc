"""A private Orthanc as a child process: configured, started, minded, stopped."""

import json
import os
import secrets
import shutil
import signal
import socket
import time
from pathlib import Path

from adapters.child_process import MindedProcess
from adapters.errors import ArchiveUnavailable, NotInArchive, OrthancDidNotStart, OrthancMissing
from adapters.orthanc import OrthancArchive

_TEMPLATE = Path(__file__).parents[1] / "orthanc" / "orthanc.json"
_USER = "airgate"
_START_SECONDS = 30.0
_STOP_SECONDS = 15.0  # Orthanc takes 1.3 to 4 s after SIGTERM
_POLL_SECONDS = 0.05


def orthanc_binary() -> str:
    """The path of Orthanc. Raises OrthancMissing, which says how to install it."""
    found = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise OrthancMissing
    return found


def child_url(data: Path) -> str:
    """Where the child Orthanc of this data folder listens, with its credentials.

    Any process of the gateway may ask; the first one that does draws port and password.
    """
    folder = _folder(data)
    return f"http://{_USER}:{_password(folder)}@127.0.0.1:{_port(folder)}"


class OrthancChild:
    """The Orthanc under `<data>/orthanc`. One gateway at a time may run it."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._folder = _folder(data)
        self._configuration = (self._folder / "orthanc.json").resolve()
        self._log = self._folder / "orthanc.log"
        self._process: MindedProcess | None = None

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises OrthancMissing without a binary, OrthancDidNotStart when it ends or stays silent.
        """
        binary = orthanc_binary()
        self._end_left_over()
        if not _is_free(_port(self._folder)):
            (self._folder / "port").unlink()  # another program took it meanwhile
        self._configure()
        self._process = MindedProcess(
            "orthanc",
            [binary, f"--logfile={self._log.resolve()}", str(self._configuration)],
            {"TCP_NODELAY": "1"},
            stop_seconds=_STOP_SECONDS,
        )
        self._process.start()
        self._wait_until_ready()

    def stop(self) -> None:
        """End it and wait for its end, so that folder and port can be used again at once."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def _configure(self) -> None:
        storage = (self._folder / "storage").resolve()
        storage.mkdir(exist_ok=True)
        configuration = json.loads(_TEMPLATE.read_text()) | {
            "StorageDirectory": str(storage),
            "IndexDirectory": str(storage),
            "HttpPort": _port(self._folder),
            "RegisteredUsers": {_USER: _password(self._folder)},
        }
        _write_private(self._configuration, json.dumps(configuration, indent=2))

    def _wait_until_ready(self) -> None:
        archive = OrthancArchive(child_url(self._data))
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._answers(archive):
                return
            time.sleep(_POLL_SECONDS)
        self.stop()
        raise OrthancDidNotStart(f"no answer within {_START_SECONDS:.0f} s", str(self._log))

    @staticmethod
    def _answers(archive: OrthancArchive) -> bool:
        """Whether it serves requests; asking for an instance that none can be is the cheapest."""
        try:
            archive.read("-".join(["0" * 8] * 5))
        except NotInArchive:
            return True
        except ArchiveUnavailable:
            return False
        return True

    def _end_left_over(self) -> None:
        """The Orthanc of a gateway that was killed holds the database until it has ended."""
        deadline = time.monotonic() + _STOP_SECONDS
        while left_over := _running_with(self._configuration):
            sign = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
            for pid in left_over:
                _signal(pid, sign)
            time.sleep(_POLL_SECONDS * 4)


def _folder(data: Path) -> Path:
    folder = data / "orthanc"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _port(folder: Path) -> int:
    """The port it had before, so that a restart is found where it was; a free one at first."""
    path = folder / "port"
    if not path.exists():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            path.write_text(str(probe.getsockname()[1]))
    return int(path.read_text())


def _password(folder: Path) -> str:
    path = folder / "password"
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(32))
    return path.read_text()


def _write_private(path: Path, text: str) -> None:
    """Readable by this user only, from the first byte on."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _running_with(configuration: Path) -> list[int]:
    """Processes that are an Orthanc with exactly this configuration file (Linux: /proc)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = entry.read_bytes().decode("utf-8", "replace").rstrip("\0").split("\0")
        except OSError:
            continue  # it ended meanwhile, or is another user's
        if Path(arguments[0]).name == "Orthanc" and arguments[-1] == str(configuration):
            found.append(int(entry.parent.name))
    return found


def _signal(pid: int, sign: signal.Signals) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return
