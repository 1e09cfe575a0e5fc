"""What happens behind the back of a real `airgate serve`: doors, a kill, a lost database."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from adapters.orthanc_process import child_url
from tests.acceptance.conftest import store
from tests.orthanc_server import OrthancServer, needs_orthanc
from tests.phantom import chest_phantom
from tests.serving import ROOT, Gateway, wait_until

pytestmark = pytest.mark.serve

FOUND_SECONDS = 60.0  # the grace is 15 s


@pytest.fixture
def series(tmp_path: Path) -> Path:
    chest_phantom(matrix=192).write(tmp_path / "series")
    return tmp_path / "series"


@pytest.fixture
def orthanc(tmp_path: Path):
    needs_orthanc()
    with OrthancServer(tmp_path / "orthanc") as server:
        yield server


def study_of(gateway: Gateway, seconds: float = FOUND_SECONDS) -> str:
    """The only study in the index, once there is one."""
    wait_until(lambda: bool(search(gateway)), seconds, lambda: gateway.log[-4000:])
    (study,) = search(gateway)
    return study["0020000D"]["Value"][0]


def search(gateway: Gateway) -> list[dict]:
    reply = gateway.http.get("/dicom-web/studies")
    return reply.json() if reply.status_code == 200 else []


def instances(gateway: Gateway, study: str) -> list[dict]:
    return gateway.client.json(f"/dicom-web/studies/{study}/instances")


def assert_one_result(gateway: Gateway, study: str, slices: int) -> None:
    (workitem,) = gateway.await_end(study)
    assert (workitem["procedure_step_state"], workitem["outcome"]) == ("COMPLETED", "DONE")
    (result,) = gateway.results(study)
    assert Counter(one["kind"] for one in result["objects"]) == {
        "SEG": 1,
        "SR": 1,
        "PR": 1,
        "SC": 1,
    }
    assert len(instances(gateway, study)) == slices + 4
    kinds = Counter(event["kind"] for event in gateway.trace(study)["events"])
    assert (kinds["complete"], kinds["workitem_created"]) == (1, 1)


def verify(gateway: Gateway, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", "index", "verify", *options],
        env={**gateway.environment, "COLUMNS": "80"},
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_study_sent_to_orthancs_own_port_is_analysed(tmp_path, series, orthanc):
    with Gateway(tmp_path / "data", archive=orthanc.url, quiet_seconds="2") as gateway:
        for path in sorted(series.iterdir()):
            orthanc.storescu(path, calling="SCANNER")
        slices = len(list(series.iterdir()))
        study = study_of(gateway)
        assert_one_result(gateway, study, slices)
        found = [e for e in gateway.trace(study)["events"] if e["kind"] == "found"]
        assert sum(event["detail"]["instances"] for event in found) == slices
        assert {event["detail"]["calling_ae_title"] for event in found} == {"SCANNER"}
        assert verify(gateway).returncode == 0

        httpx.delete(f"{orthanc.url}/studies/{orthanc_study(orthanc)}").raise_for_status()
        wait_until(lambda: search(gateway) == [], 120, lambda: gateway.log[-4000:])
        trace = gateway.trace(study)
        assert trace["study"]["state"] == "LOST"
        assert trace["events"][-1]["kind"] == "lost"
        assert gateway.http.get(f"/dicom-web/studies/{study}").status_code == 404


def orthanc_study(orthanc: OrthancServer) -> str:
    (study,) = httpx.get(f"{orthanc.url}/studies").json()
    return study


def test_bytes_of_a_request_that_a_kill_cut_off_are_found_and_complete_once(tmp_path, series):
    """Archived, not indexed, not acknowledged: the study is whole in Orthanc, and nowhere else."""
    gateway = Gateway(tmp_path / "data").start()
    slices = sorted(series.iterdir())
    url = f"{child_url(tmp_path / 'data')}/statistics"
    with upload_without_end(gateway, slices):
        wait_until(
            lambda: httpx.get(url).json()["CountInstances"] == len(slices),
            60,
            lambda: gateway.log[-4000:],
        )
        assert search(gateway) == []
        gateway.stop(signal.SIGKILL)

    with gateway:
        study = study_of(gateway)
        assert_one_result(gateway, study, len(slices))
        assert store(gateway, series) == study  # the sender tries again
        time.sleep(2)
        assert_one_result(gateway, study, len(slices))
        assert verify(gateway, "--deep").returncode == 0


class upload_without_end:
    """STOW-RS of all these files, but for the end of the body."""

    def __init__(self, gateway: Gateway, files: list[Path]) -> None:
        self._gateway, self._files = gateway, files

    def __enter__(self) -> None:
        url = urlsplit(self._gateway.url)
        self._socket = socket.create_connection((url.hostname, url.port))
        head = (
            "POST /dicom-web/studies HTTP/1.1\r\n"
            f"Host: {url.netloc}\r\n"
            f"Authorization: Bearer {self._gateway.token}\r\n"
            'Content-Type: multipart/related; type="application/dicom"; boundary=b\r\n'
            "Transfer-Encoding: chunked\r\n\r\n"
        )
        self._socket.sendall(head.encode())
        for path in self._files:
            part = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + path.read_bytes() + b"\r\n"
            self._socket.sendall(b"%x\r\n%b\r\n" % (len(part), part))
        part = b"--b\r\n"  # ends the last file, and promises another
        self._socket.sendall(b"%x\r\n%b\r\n" % (len(part), part))

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def test_a_lost_database_is_made_again_from_the_archive(tmp_path, series):
    data = tmp_path / "data"
    slices = len(list(series.iterdir()))
    with Gateway(data) as gateway:
        study = store(gateway, series)
        gateway.await_end(study)
        before = {i["00080018"]["Value"][0] for i in instances(gateway, study)}
    for path in data.glob("airgate.db*"):
        path.unlink()

    with gateway:
        assert study_of(gateway) == study
        wait_until(
            lambda: len(instances(gateway, study)) == slices + 4, 60, lambda: gateway.log[-4000:]
        )
        time.sleep(3)  # as long as models would take to be asked
        trace = gateway.trace(study)
        assert (trace["study"]["state"], trace["workitems"]) == ("COMPLETE", [])
        assert {i["00080018"]["Value"][0] for i in instances(gateway, study)} == before
        modalities = gateway.http.get("/dicom-web/studies?ModalitiesInStudy=SEG").json()
        assert [one["0020000D"]["Value"][0] for one in modalities] == [study]
        assert verify(gateway, "--deep").returncode == 0


def test_an_orthanc_that_goes_and_comes_is_followed_on_and_a_stop_is_quick(
    tmp_path, series, orthanc
):
    with Gateway(tmp_path / "data", archive=orthanc.url, workers="0") as gateway:
        (follower,) = gateway.children("gateway.cli follow")
        orthanc.stop()
        time.sleep(3)
        orthanc.start()
        orthanc.storescu(sorted(series.iterdir())[0])
        study_of(gateway)
        assert gateway.children("gateway.cli follow") == [follower]  # it never died of it
        orthanc.stop()
        time.sleep(1)
        began = time.monotonic()
        os.kill(follower, signal.SIGTERM)
        wait_until(lambda: follower not in gateway.children("follow"), 10, lambda: gateway.log)
        assert time.monotonic() - began < 8  # also while the archive is away
        orthanc.start()
        began = time.monotonic()
        gateway.stop()
        assert time.monotonic() - began < 20


def test_verify_is_read_on_a_terminal_of_eighty_columns(tmp_path, series, orthanc):
    with Gateway(
        tmp_path / "data", archive=orthanc.url, workers="0", follow_changes="false"
    ) as gateway:
        assert gateway.children("gateway.cli follow") == []
        for path in sorted(series.iterdir())[:3]:
            httpx.post(f"{orthanc.url}/instances", content=path.read_bytes()).raise_for_status()
        time.sleep(16)  # after the grace
        ran = verify(gateway)
        assert ran.returncode == 1, ran
        assert "in the archive, not in the index" in ran.stdout
        assert ran.stdout.rstrip().endswith("run `airgate index verify --repair`")
        assert max(map(len, ran.stdout.splitlines())) <= 80
        assert search(gateway) == []

        assert verify(gateway, "--repair").returncode == 0
        assert len(search(gateway)) == 1
        orthanc.stop()
        ran = verify(gateway)
        assert ran.returncode == 2
        assert "is not available" in ran.stderr
        assert "Traceback" not in ran.stderr
        orthanc.start()
