"""A real `airgate serve` with its child Orthanc and worker, on free ports, in its own folder."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from gateway.client import Client
from gateway.settings import Settings
from tests.postgresql import free_port

READY_SECONDS, RESULT_SECONDS = 60.0, 180.0
ROOT = Path(__file__).parents[1]
OHIF = ROOT / ".cache" / "ohif"  # the viewer's site; `make setup` fetches it
# A server must not outlive a test run that is killed.
DYING_WITH_US = (sys.executable, "-m", "adapters.child_process")


class Gateway:
    """Started by `start`; `client` speaks to it with its token. Output goes to <data>/serve.log."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self._settings = {
            "AIRGATE_DATA": str(data),
            "AIRGATE_HTTP": f"127.0.0.1:{free_port()}",
            "AIRGATE_DICOM": "off",
            "AIRGATE_QUIET_SECONDS": "0.5",
            "AIRGATE_OHIF": str(OHIF),
            **{f"AIRGATE_{name.upper()}": value for name, value in settings.items()},
        }
        self.url = f"http://{self._settings['AIRGATE_HTTP']}"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        return {**os.environ, **self._settings}

    @property
    def log(self) -> str:
        path = self.data / "serve.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    @cached_property
    def client(self) -> Client:
        address = self._settings["AIRGATE_HTTP"]
        return Client(Settings(data=self.data, http=address))

    @property
    def token(self) -> str:
        return (self.data / "token").read_text().strip()

    @property
    def http(self) -> httpx.Client:
        """A plain HTTP client with the token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def start(self, probe: str = "ready") -> "Gateway":
        """Wait until the probe answers: `ready`, or `live` where the archive is away."""
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*DYING_WITH_US, sys.executable, "-m", "gateway.cli", "serve"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )
        wait_until(
            lambda: self._answers(probe),
            READY_SECONDS,
            lambda: f"the gateway was not ready:\n{self.log}",
        )
        return self

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """End the server; its exit status."""
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait(60)

    def worker(self, slot: str) -> subprocess.Popen[bytes]:
        """A worker process of its own, for a server without workers; nobody starts it again."""
        with (self.data / "workers.log").open("ab") as log:
            return subprocess.Popen(
                [*DYING_WITH_US, sys.executable, "-m", "gateway.cli", "worker", "--slot", slot],
                env=self.environment,
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )

    @property
    def pid(self) -> int:
        """Of the process that answers HTTP."""
        assert self.process is not None
        return self.process.pid

    def children(self, name: str) -> list[int]:
        """Process ids of the server's children whose command line holds the name."""
        assert self.process is not None
        return [pid for pid in _children_of(self.process.pid) if name in _command(pid)]

    def trace(self, study: str) -> dict[str, Any]:
        return self.client.json(f"/api/v1/studies/{study}")

    def await_end(self, study: str, workitems: int = 1) -> list[dict[str, Any]]:
        """Wait until that many workitems of a study have ended; the workitems."""

        def ended() -> bool:
            found = self.trace(study)["workitems"]
            states = [one["procedure_step_state"] for one in found]
            return len(states) >= workitems and set(states) <= {"COMPLETED", "CANCELED"}

        wait_until(ended, RESULT_SECONDS, lambda: f"{self.trace(study)}\n{self.log[-4000:]}")
        return self.trace(study)["workitems"]

    def results(self, study: str) -> list[dict[str, Any]]:
        return self.client.json(f"/air/studies/{study}/results")["results"]

    def _answers(self, probe: str) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the gateway ended:\n{self.log}"
        try:
            return httpx.get(f"{self.url}/health/{probe}", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def __enter__(self) -> "Gateway":
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The root of a server for the application, on a free port while the block runs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def wait_until(condition: Callable[[], bool], seconds: float, told: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.1)


def _children_of(pid: int) -> list[int]:
    """All descendants (Linux: /proc)."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            found += [int(child), *_children_of(int(child))]
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""  # it ended meanwhile
