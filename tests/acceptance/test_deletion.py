"""Deletion through the whole house: Orthanc forgets, and what comes again is worked on."""

import os
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.acceptance.conftest import store
from tests.phantom import chest_phantom
from tests.serving import Gateway, wait_until

pytestmark = pytest.mark.serve


def stored_bytes(data: Path) -> int:
    """What Orthanc keeps beside its own index: files named by a UUID."""
    walked = (Path(folder) / name for folder, _, names in os.walk(data) for name in names)
    return sum(path.stat().st_size for path in walked if len(path.name) == len(str(uuid4())))


def test_sc_41_a_deleted_study_is_gone_everywhere_and_may_come_again(tmp_path):
    """SC-41."""
    phantom = chest_phantom(matrix=192)
    phantom.write(tmp_path / "series")
    with Gateway(tmp_path / "data") as gateway:
        study = store(gateway, tmp_path / "series")
        gateway.await_end(study)
        (result,) = gateway.results(study)
        full = stored_bytes(tmp_path / "data")
        url = f"/dicom-web/studies/{study}"
        with gateway.http as http:
            assert http.get(f"{url}/metadata").status_code == 200
            assert http.delete(url).status_code == 204
            assert stored_bytes(tmp_path / "data") < full / 20

            assert http.get(url).status_code == 410
            assert http.get("/dicom-web/studies").json() == []
            objects = [one["url"].removeprefix(gateway.url) for one in result["objects"]]
            assert {http.get(one).status_code for one in objects} == {410}
            reports = http.get("/fhir/r4/DiagnosticReport").json()["entry"]
            assert {one["resource"]["status"] for one in reports} == {"entered-in-error"}
            assert gateway.trace(study)["study"]["state"] == "DELETED"

            assert store(gateway, tmp_path / "series") == study
            gateway.await_end(study, 2)
            (again,) = [one for one in gateway.results(study) if one.get("objects")]
            link = again["objects"][0]["url"].removeprefix(gateway.url)
            assert http.get(link).status_code == 200
            assert again["workitem"]["outcome"] == "DONE"


def test_a_deletion_that_a_kill_cut_short_is_finished_at_the_next_start(tmp_path, monkeypatch):
    phantom = chest_phantom(matrix=64)
    phantom.write(tmp_path / "series")
    data = tmp_path / "data"
    with Gateway(data, workers="0") as gateway:
        study = store(gateway, tmp_path / "series")
        full = stored_bytes(data)
        orthanc = next(pid for pid in gateway.children("Orthanc") if pid)
        os.kill(orthanc, 19)  # SIGSTOP: the archive does not answer
        try:
            with pytest.raises(httpx.TimeoutException), gateway.http as http:
                http.delete(f"/dicom-web/studies/{study}", timeout=2)
            with gateway.http as http:
                wait_until(
                    lambda: http.get(f"/dicom-web/studies/{study}").status_code == 410,
                    10,
                    lambda: gateway.log,
                )
            gateway.process.kill()
            gateway.process.wait(30)
        finally:
            os.kill(orthanc, 18)
    with Gateway(data, workers="0"):
        wait_until(lambda: stored_bytes(data) < full / 20, 30, lambda: f"{stored_bytes(data)}")
