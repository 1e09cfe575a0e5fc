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
        port = free_port()
        storage = folder / "rival"
        storage.mkdir()
        configuration = {
            "Name": "rival",
            "StorageDirectory": str(storage),
            "IndexDirectory": str(storage),
            "Plugins": [str(PLUGIN)],
            "HttpPort": port,
            "DicomServerEnabled": False,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "HttpThreadsCount": 50,
            "DicomWeb": {
                "Enable": True,
                "Root": "/dicom-web/",
                "StudiesMetadata": "Full",
                "SeriesMetadata": "Full",
            },
        }
        path = folder / "rival.json"
        path.write_text(json.dumps(configuration))
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [orthanc_binary(), str(path)],
            env={**os.environ, "TCP_NODELAY": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

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
        self._process.terminate()
        self._process.wait(30)
