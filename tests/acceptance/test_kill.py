"""SIGKILL at the worst moments: nothing is lost, nothing is doubled."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.conftest import store
from tests.phantom import chest_phantom
from tests.serving import Gateway, wait_until

pytestmark = pytest.mark.serve


@pytest.fixture
def series(tmp_path: Path) -> Path:
    chest_phantom(matrix=192).write(tmp_path / "series")
    return tmp_path / "series"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def claimed(gateway: Gateway, study: str) -> bool:
    return any(event["kind"] == "claimed" for event in gateway.trace(study)["events"])


def assert_exactly_one_result(gateway: Gateway, study: str, series: Path) -> None:
    """One workitem, done; each object once in the index and the archive; FHIR without doubles."""
    (workitem,) = gateway.await_end(study)
    assert (workitem["procedure_step_state"], workitem["outcome"]) == ("COMPLETED", "DONE")
    (result,) = gateway.results(study)
    kinds = Counter(one["kind"] for one in result["objects"])
    assert kinds == {"SEG": 1, "SR": 1, "PR": 1, "SC": 1}
    instances = gateway.client.json(f"/dicom-web/studies/{study}/instances")
    assert len(instances) == len(list(series.iterdir())) + 4
    bundle = gateway.client.json("/fhir/r4/DiagnosticReport")
    assert bundle["total"] == 1
    observations = gateway.client.json("/fhir/r4/Observation?_count=200")["entry"]
    values = [e for e in observations if "valueQuantity" in e["resource"]]
    assert len(values) == len(result["measurements"])


@pytest.mark.parametrize("delay", [0.0, 0.5, 1.0])
def test_a_killed_worker_leaves_exactly_one_set_of_results(tmp_path, series, delay):
    with Gateway(tmp_path / "data") as gateway:
        study = store(gateway, series)
        wait_until(lambda: claimed(gateway, study), 60, lambda: gateway.log)
        time.sleep(delay)
        for pid in gateway.children("gateway.cli worker"):
            os.kill(pid, signal.SIGKILL)

        assert_exactly_one_result(gateway, study, series)


def test_the_same_holds_on_postgresql(tmp_path, series, postgresql):
    url = postgresql.new_database()
    with Gateway(tmp_path / "data", workers="2", database_url=url) as gateway:
        study = store(gateway, series)
        wait_until(lambda: claimed(gateway, study), 60, lambda: gateway.log)
        for pid in gateway.children("gateway.cli worker"):
            os.kill(pid, signal.SIGKILL)

        assert_exactly_one_result(gateway, study, series)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_an_ended_server_takes_its_children_along_and_finishes_the_work_later(
    tmp_path, series, sign
):
    gateway = Gateway(tmp_path / "data").start()
    study = store(gateway, series)
    wait_until(lambda: claimed(gateway, study), 60, lambda: gateway.log)
    children = gateway.children("")
    gateway.stop(sign)
    wait_until(lambda: not any(alive(pid) for pid in children), 30, lambda: f"{children} live on")

    with gateway:
        assert_exactly_one_result(gateway, study, series)


def test_a_server_killed_before_the_study_was_complete_completes_it_later(tmp_path, series):
    gateway = Gateway(tmp_path / "data", quiet_seconds="2").start()
    study = store(gateway, series)
    gateway.stop(signal.SIGKILL)

    with gateway:
        assert_exactly_one_result(gateway, study, series)


def test_a_second_worker_takes_over_from_a_killed_one(tmp_path, series):
    with Gateway(tmp_path / "data", workers="2") as gateway:
        study = store(gateway, series)
        wait_until(lambda: claimed(gateway, study), 60, lambda: gateway.log)
        for pid in gateway.children("gateway.cli worker"):
            os.kill(pid, signal.SIGKILL)

        assert_exactly_one_result(gateway, study, series)


def test_a_killed_archive_is_started_again_and_the_work_is_done(tmp_path, series):
    with Gateway(tmp_path / "data", quiet_seconds="1") as gateway:
        study = store(gateway, series)
        for pid in gateway.children("/Orthanc"):
            os.kill(pid, signal.SIGKILL)

        assert_exactly_one_result(gateway, study, series)
