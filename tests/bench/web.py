"""STOW-RS and /metadata against Orthanc's DICOMweb plug-in, the same client for both."""

import time
from pathlib import Path

import httpx
from pydicom import dcmread

from gateway.client import multipart
from tests.bench.report import Line
from tests.bench.rival import PlugIn
from tests.serving import Gateway

TITLE = "web services against Orthanc's DICOMweb plug-in"
BOUNDARY = "bench-0123456789abcdef"


def measure(folder: Path, series: Path, repeat: int) -> list[Line]:
    files = sorted(series.iterdir())
    header = dcmread(files[0], stop_before_pixels=True)
    study, number = str(header.StudyInstanceUID), str(header.SeriesInstanceUID)
    stow: tuple[list[float], list[float]] = ([], [])
    metadata: tuple[list[float], list[float]] = ([], [])
    for run in range(repeat):
        work = folder / f"web{run}"
        work.mkdir()
        with (
            Gateway(work / "data", workers="0") as gateway,
            PlugIn(work) as rival,
            httpx.Client(headers={"Authorization": f"Bearer {gateway.token}"}, timeout=300) as http,
        ):
            for seconds, url in zip(stow, (gateway.url, rival.url), strict=True):
                seconds.append(_store(http, url, files))
            for seconds, url in zip(metadata, (gateway.url, rival.url), strict=True):
                path = f"{url}/dicom-web/studies/{study}/series/{number}/metadata"
                seconds += [_metadata(http, path, len(files)) for _ in range(3)]
    return [
        Line(f"STOW-RS of {len(files)} CT slices", *stow, "not slower", faster=True),
        Line(f"/metadata of {len(files)} slices", *metadata, "at least 5 x faster", faster=True),
    ]


def _store(http: httpx.Client, url: str, files: list[Path]) -> float:
    kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
    headers = {"Content-Type": kind, "Accept": "application/dicom+json"}
    started = time.perf_counter()
    body = multipart(files, BOUNDARY)
    reply = http.post(f"{url}/dicom-web/studies", content=body, headers=headers)
    seconds = time.perf_counter() - started
    assert reply.status_code == 200, reply.text[:500]
    assert len(reply.json()["00081199"]["Value"]) == len(files)
    return seconds


def _metadata(http: httpx.Client, url: str, instances: int) -> float:
    headers = {"Accept": "application/dicom+json", "Accept-Encoding": "identity"}
    started = time.perf_counter()
    reply = http.get(url, headers=headers)
    seconds = time.perf_counter() - started
    assert len(reply.json()) == instances
    return seconds
