"""The real Orthanc, for tests: `from tests.orthanc_server import orthanc_url`."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from adapters.errors import OrthancMissing
from adapters.orthanc_process import OrthancChild, child_url, orthanc_binary
from tests.postgresql import free_port

_TEMPLATE = Path(__file__).parents[1] / "orthanc" / "orthanc.json"


def needs_orthanc() -> None:
    try:
        orthanc_binary()
    except OrthancMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def orthanc_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An Orthanc of this module's own, with its credentials in the URL."""
    needs_orthanc()
    data = tmp_path_factory.mktemp("orthanc")
    child = OrthancChild(data)
    child.start()
    yield child_url(data)
    child.stop()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the awaited condition never came"
        time.sleep(0.02)


class OrthancServer:
    """An Orthanc that others use too: with a DIMSE port, and no password.

    It can be stopped and started again; `port` stays, `folder` may be exchanged meanwhile.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.dicom_port = folder, free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = json.loads(_TEMPLATE.read_text()) | {
            "StorageDirectory": str(self.folder),
            "IndexDirectory": str(self.folder),
            "HttpPort": self.port,
            "AuthenticationEnabled": False,
            "DicomServerEnabled": True,
            "DicomPort": self.dicom_port,
            "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowFind": True,
            "SyncStorageArea": False,
        }
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(configuration))
        self._process = subprocess.Popen(
            [orthanc_binary(), f"--logfile={self.folder / 'log'}", str(path)],
            env={**os.environ, "TCP_NODELAY": "1"},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def storescu(self, path: Path, *, calling: str = "SENDER", called: str = "ORTHANC") -> None:
        subprocess.run(
            ["storescu", "-aet", calling, "-aec", called, "127.0.0.1", str(self.dicom_port), path],
            check=True,
            env={**os.environ, "TCP_NODELAY": "1"},
        )

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/system").status_code == 200
        except httpx.TransportError:
            return False

    def __enter__(self) -> "OrthancServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
