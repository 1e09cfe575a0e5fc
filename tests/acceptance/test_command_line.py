"""`airgate run` on a laptop's files: the same results with no server."""

import json
import socket
from pathlib import Path

import pytest
from pydicom import dcmread

from tests import judges
from tests.acceptance.test_bad_operation import airgate, assert_one_line
from tests.browser import skip_without_ohif
from tests.phantom import chest_phantom
from tests.postgresql import free_port


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("series")
    chest_phantom(matrix=192).write(folder)
    (folder / "notes.txt").write_text("no DICOM")
    return folder


def test_a_model_runs_on_a_folder_and_writes_judged_objects_and_fhir(series, tmp_path):
    ended = airgate("run", "lung_ct", str(series), "--out", str(tmp_path / "out"))

    assert ended.returncode == 0, ended.stderr
    assert "Right lung" in ended.stdout
    assert "[hnsf'U]" in ended.stdout
    assert max(len(line) for line in ended.stdout.splitlines() if "wrote" not in line) <= 80
    for kind in ("seg", "sr", "pr", "sc"):
        path = tmp_path / "out" / f"{kind}.dcm"
        assert judges.dciodvfy(path) == []
        assert dcmread(path).PatientID == dcmread(series / "0001.dcm").PatientID
    kinds = {
        json.loads(path.read_text())["resourceType"] for path in (tmp_path / "out").glob("*.json")
    }
    assert kinds >= {"Observation", "DiagnosticReport", "Device", "Provenance"}


def test_a_refusal_is_told_and_has_its_own_exit_status(tmp_path):
    chest_phantom(matrix=128, cut_top=24).write(tmp_path / "cut")

    ended = airgate("run", "lung_ct", str(tmp_path / "cut"), "--out", str(tmp_path / "out"))

    assert ended.returncode == 3
    assert "no result: lungs cut off" in ended.stdout
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_fitting_series_says_why(tmp_path):
    chest_phantom(matrix=64, body_part="HEAD").write(tmp_path / "head")

    ended = airgate("run", "lung_ct", str(tmp_path / "head"), "--out", str(tmp_path / "out"))

    assert ended.returncode == 1
    assert "BodyPartExamined is HEAD" in ended.stdout


def test_an_unknown_model_is_named_with_those_that_exist(series, tmp_path):
    ended = airgate("run", "brain_mr", str(series), "--out", str(tmp_path / "out"))

    assert_one_line(ended, "brain_mr", "lung_ct")


def test_the_demo_keeps_its_promises_and_again_at_once(tmp_path):
    skip_without_ohif()
    settings = {
        "AIRGATE_DATA": str(tmp_path / "data"),
        "AIRGATE_HTTP": f"127.0.0.1:{free_port()}",
        "AIRGATE_DICOM": "off",
        "AIRGATE_QUIET_SECONDS": "1",
    }

    first = airgate("demo", "--once", **settings)
    second = airgate("demo", "--once", **settings)

    assert first.returncode == 0, first.stdout + first.stderr
    assert second.returncode == 0, second.stdout + second.stderr
    assert "retrieved again from the gateway: all as promised" in first.stdout
    assert "knows this study already" in second.stdout
    assert "Volume: 3200 ml" in first.stdout


def test_the_demo_says_that_its_port_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = {"AIRGATE_DATA": str(tmp_path), "AIRGATE_HTTP": address, "AIRGATE_DICOM": "off"}

        assert_one_line(airgate("demo", "--once", **settings), address, "AIRGATE_HTTP")
