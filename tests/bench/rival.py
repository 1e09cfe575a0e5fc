"""Orthanc with its DICOMweb plug-in, configured as its users do, on a port of its own."""

import json
import os
import subprocess
import time
from pathlib import Path

import httpx

from adapters.orthanc_process import orthanc_binary
from tests.postgresql import free_port

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


class PlugIn:
    def __init__(self, folder: Path) -> None:
        if not PLUGIN.exists():
            raise SystemExit("the rival is missing: apt-get install -y orthanc-dicomweb")
        self._port = free_port()
        storage = folder / "rival"
        storage.mkdir(parents=True)
        configuration = folder / "rival.json"
        configuration.write_text(json.dumps(_configuration(storage, self._port)))
        self.url = f"http://127.0.0.1:{self._port}"
        self.process = subprocess.Popen(
            [orthanc_binary(), str(configuration)],
            env={**os.environ, "TCP_NODELAY": "1"},  # without it, it waits 40 ms for each answer
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def version(self) -> str:
        system = httpx.get(f"{self.url}/system").json()["Version"]
        plug_in = httpx.get(f"{self.url}/plugins/dicom-web").json()["Version"]
        return f"Orthanc {system}, DICOMweb plug-in {plug_in}"

    def __enter__(self) -> "PlugIn":
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.url}/system").raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                return self
        raise SystemExit("the rival did not start")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(60)


def _configuration(storage: Path, port: int) -> dict[str, object]:
    return {
        "Name": "rival",
        "StorageDirectory": str(storage),
        "IndexDirectory": str(storage),
        "Plugins": [str(PLUGIN)],
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "HttpThreadsCount": 50,
        "HttpCompressionEnabled": False,  # browsers ask for gzip, which pixels hardly profit from
        "DicomWeb": {
            "Enable": True,
            "Root": "/dicom-web/",
            "StudiesMetadata": "Full",
            "SeriesMetadata": "Full",
        },
    }
