"""What an operator or a model can do wrong: a clear word at the right place, and no study lost."""

import json
import os
import socket
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
from pydicom import Dataset

from adapters.orthanc_process import OrthancChild, child_url
from gateway.client import multipart
from tests.acceptance.conftest import store
from tests.orthanc_server import needs_orthanc
from tests.phantom import chest_phantom
from tests.postgresql import free_port
from tests.serving import ROOT, Gateway, wait_until

pytestmark = pytest.mark.serve

# Procedure Step Discontinuation Reasons, CID 9300
REASONS = {"FAILED": "110501", "TIMED_OUT": "110527"}
MODELS = """
    import os, time
    import numpy as np

    class Raises:
        def predict(self, inputs):
            raise RuntimeError("no weights")

    class Hangs:
        def predict(self, inputs):
            time.sleep(600)

    class Crashes:
        def predict(self, inputs):
            os.kill(os.getpid(), 11)
"""

CARD = """
    name = "{name}"
    version = "1.0.0"
    title = "A model for tests"
    description = "Ends badly."
    manufacturer = "Tests"
    intended_use = "Tests only."
    license = "Apache-2.0"
    [runtime]
    entry = "bad_models:{entry}"
    [[inputs]]
    modality = ["CT"]
    [resources]
    timeout_seconds = 2
"""


def airgate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )


def assert_one_line(ended: subprocess.CompletedProcess[str], *told: str) -> None:
    """A failure told in one line, with no traceback."""
    assert ended.returncode != 0
    line = ended.stderr.strip()
    assert "Traceback" not in line
    assert len(line.splitlines()) == 1, line
    for words in told:
        assert words in line


@pytest.fixture
def quiet_start(tmp_path: Path) -> dict[str, str]:
    return {
        "AIRGATE_DATA": str(tmp_path / "data"),
        "AIRGATE_HTTP": f"127.0.0.1:{free_port()}",
        "AIRGATE_DICOM": "off",
        "AIRGATE_ARCHIVE": "folder",
    }


def test_a_taken_port_is_named(quiet_start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        ended = airgate("serve", **{**quiet_start, "AIRGATE_HTTP": address})

    assert_one_line(ended, address, "AIRGATE_HTTP")


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("AIRGATE_HTTP", "nowhere", "AIRGATE_HTTP"),
        ("AIRGATE_DICOM", "11112", "AIRGATE_DICOM"),
        ("AIRGATE_WORKERS", "many", "AIRGATE_WORKERS"),
        ("AIRGATE_ARCHIVE", "ftp://somewhere", "AIRGATE_ARCHIVE"),
        ("AIRGATE_RULES", "/no/such/rules.yaml", "/no/such/rules.yaml"),
        ("AIRGATE_DATA", "/proc/airgate", "AIRGATE_DATA"),
        ("AIRGATE_DATABASE_URL", "mysql://localhost/x", "AIRGATE_DATABASE_URL"),
        ("AIRGATE_DATABASE_URL", "postgresql://x@127.0.0.1:1/x", "AIRGATE_DATABASE_URL"),
        ("AIRGATE_TOKEN", "two words", "AIRGATE_TOKEN"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(quiet_start, setting, value, told):
    assert_one_line(airgate("serve", **{**quiet_start, setting: value}), told)


def test_an_unreadable_database_is_told_in_one_line_and_left_alone(quiet_start):
    data = Path(quiet_start["AIRGATE_DATA"])
    data.mkdir()
    (data / "airgate.db").write_bytes(b"not a database" * 1000)

    assert_one_line(airgate("serve", **quiet_start), "airgate.db", "restore it from a backup")
    assert (data / "airgate.db").read_bytes() == b"not a database" * 1000


def test_a_missing_orthanc_is_told_with_the_command_that_installs_it(quiet_start, tmp_path):
    """With an empty PATH and no /usr/sbin there is no Orthanc; a wrapper hides the real one."""
    hide = (
        "import adapters.orthanc_process as o; o.shutil.which = lambda *a, **k: None;"
        "from gateway.cli import main; import sys; sys.argv = ['airgate', 'serve']; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", hide],
        env={**os.environ, **quiet_start, "AIRGATE_ARCHIVE": "orthanc"},
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        check=False,
    )
    assert_one_line(ended, "apt-get install -y orthanc")


def test_doctor_says_what_to_mend_and_fails(quiet_start):
    ended = airgate("doctor", **{**quiet_start, "AIRGATE_RULES": "/no/such/rules.yaml"})

    assert ended.returncode == 1
    assert "MEND" in ended.stdout
    assert "/no/such/rules.yaml" in ended.stdout
    assert max(len(line) for line in ended.stdout.splitlines()) <= 80


def test_the_client_says_that_no_gateway_answers(quiet_start):
    Path(quiet_start["AIRGATE_DATA"]).mkdir()

    assert_one_line(airgate("workitems", **quiet_start), "start one with `airgate serve`")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory):
    with Gateway(tmp_path_factory.mktemp("bad") / "data", archive="folder") as gateway:
        for rule in gateway.client.json("/api/v1/rules"):
            gateway.http.delete(f"/api/v1/rules/{rule['name']}").raise_for_status()
        yield gateway


def register(gateway: Gateway, folder: Path, entry: str) -> None:
    """Register one of the bad models, and route the studies of one patient to it alone."""
    name = entry.lower()
    archive = folder / "model.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("card.toml", textwrap.dedent(CARD.format(name=name, entry=entry)))
        content.writestr("bad_models.py", textwrap.dedent(MODELS))
    gateway.client.post("/api/v1/models", archive.read_bytes(), "application/zip")
    rule = {
        "name": name,
        "when": [{"attribute": "SeriesDescription", "equals": name}],
        "run": name,
    }
    gateway.http.put(f"/api/v1/rules/{name}", json=rule).raise_for_status()


@pytest.mark.parametrize(
    ("entry", "outcome", "told"),
    [
        ("Raises", "FAILED", "RuntimeError"),
        ("Crashes", "FAILED", "exit code -11"),
        ("Hangs", "TIMED_OUT", "2 s"),
    ],
)
def test_a_bad_model_ends_its_workitem_with_a_reason_SC_52(gateway, tmp_path, entry, outcome, told):
    register(gateway, tmp_path, entry)
    seed = 100 + len(entry)
    phantom = chest_phantom(matrix=64, series_description=entry.lower(), seed=seed)
    phantom.write(tmp_path / "series")

    study = store(gateway, tmp_path / "series")
    (workitem,) = gateway.await_end(study)

    assert (workitem["procedure_step_state"], workitem["outcome"]) == ("CANCELED", outcome)
    assert told in workitem["reason"]
    assert len(gateway.client.json(f"/dicom-web/studies/{study}/instances")) == 56
    (result,) = gateway.results(study)
    assert result["workitem"]["reason"] == workitem["reason"]
    (step,) = gateway.client.json(f"/dicom-web/workitems/{workitem['workitem_uid']}")
    (progress,) = Dataset.from_json(step).ProcedureStepProgressInformationSequence
    (code,) = progress.ProcedureStepDiscontinuationReasonCodeSequence
    assert progress.ReasonForCancellation == workitem["reason"]
    assert (code.CodeValue, code.CodingSchemeDesignator) == (REASONS[outcome], "DCM")


def test_a_study_that_no_rule_matches_says_so(gateway, tmp_path):
    chest_phantom(matrix=64, series_description="nobody", seed=7).write(tmp_path / "series")

    study = store(gateway, tmp_path / "series")
    wait_until(
        lambda: gateway.trace(study)["study"]["state"] == "COMPLETE", 60, lambda: gateway.log
    )

    (event,) = [e for e in gateway.trace(study)["events"] if e["kind"] == "no_rule_matched"]
    assert "SeriesDescription" in event["detail"]["reason"]


def test_a_refused_series_is_an_answer_in_the_worklist_and_in_fhir(tmp_path):
    chest_phantom(matrix=128, cut_top=24).write(tmp_path / "series")
    with Gateway(tmp_path / "data", archive="folder") as gateway:
        study = store(gateway, tmp_path / "series")
        (workitem,) = gateway.await_end(study)
        (result,) = gateway.results(study)
        (report,) = [one for one in result["fhir"] if one["resource_type"] == "DiagnosticReport"]
        resource = gateway.client.json(f"/fhir/r4/DiagnosticReport/{report['id']}")

    assert workitem["outcome"] == "NO_RESULT"
    assert "cut off" in workitem["reason"]
    assert resource["status"] == "cancelled"
    assert "cut off" in json.dumps(resource)


def test_an_archive_that_is_away_refuses_honestly_and_takes_the_study_later(tmp_path):
    """Down at the start: 503 with Retry-After; up again: the same study is kept and worked on."""
    needs_orthanc()
    chest_phantom(matrix=128).write(tmp_path / "series")
    files = sorted((tmp_path / "series").iterdir())
    orthanc = OrthancChild(tmp_path / "elsewhere")
    gateway = Gateway(tmp_path / "data", archive=child_url(tmp_path / "elsewhere"))
    try:
        gateway.start("live")
        body = b"".join(multipart(files, "limit"))
        kind = 'multipart/related; type="application/dicom"; boundary=limit'
        reply = gateway.http.post(
            "/dicom-web/studies", content=body, headers={"Content-Type": kind}
        )
        assert reply.status_code == 503
        assert "Retry-After" in reply.headers
        assert gateway.http.get("/health/ready").status_code == 503
        assert gateway.client.json("/dicom-web/studies") == []

        orthanc.start()
        study = store(gateway, tmp_path / "series")
        (workitem,) = gateway.await_end(study)
    finally:
        gateway.stop()
        orthanc.stop()

    assert workitem["outcome"] == "DONE"


def test_an_archive_that_goes_away_in_the_middle_delays_the_work_and_loses_nothing(tmp_path):
    needs_orthanc()
    chest_phantom(matrix=128).write(tmp_path / "series")
    orthanc = OrthancChild(tmp_path / "elsewhere")
    orthanc.start()
    url = child_url(tmp_path / "elsewhere")
    with Gateway(tmp_path / "data", archive=url, quiet_seconds="2") as gateway:
        study = store(gateway, tmp_path / "series")
        orthanc.stop()
        wait_until(
            lambda: any(e["kind"] == "put_off" for e in gateway.trace(study)["events"]),
            60,
            lambda: str(gateway.trace(study)["events"]),
        )
        orthanc.start()
        (workitem,) = gateway.await_end(study)
    orthanc.stop()

    assert (workitem["outcome"], workitem["attempts"]) == ("DONE", 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small tmpfs")
def test_a_full_disk_refuses_honestly_and_keeps_what_was_acknowledged(tmp_path):
    chest_phantom(matrix=512, seed=3).write(tmp_path / "series")  # 29 MB, more than fits
    data = tmp_path / "data"
    data.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", data], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let a tmpfs be mounted")
    try:
        with Gateway(data, archive="folder", workers="0") as gateway:
            files = sorted((tmp_path / "series").iterdir())
            body = b"".join(multipart(files, "limit"))
            kind = 'multipart/related; type="application/dicom"; boundary=limit'
            reply = gateway.http.post(
                "/dicom-web/studies", content=body, headers={"Content-Type": kind}
            )
            assert reply.status_code in (202, 409, 503, 507)
            stored = reply.json().get("00081199", {}).get("Value", []) if reply.content else []
            listed = gateway.http.get("/dicom-web/instances").json()
            assert len(listed) == len(stored) < len(files)
            assert gateway.http.get("/health/live").status_code == 200
    finally:
        subprocess.run(["umount", "-l", data], check=True)
