"""Another content of an instance through the whole house: it is served, and worked on again."""

from io import BytesIO

import httpx
import pytest
from pydicom import dcmread

from tests.acceptance.conftest import store
from tests.phantom import chest_phantom
from tests.serving import Gateway

pytestmark = pytest.mark.serve


def test_sc_13_what_replaces_an_instance_is_served_and_worked_on_again(tmp_path):
    """SC-13."""
    series = tmp_path / "series"
    chest_phantom(matrix=192).write(series)
    changed = sorted(series.iterdir())[0]
    with Gateway(tmp_path / "data", same_uid="replace") as gateway, gateway.http as http:
        study = store(gateway, series)
        gateway.await_end(study)
        image = dcmread(changed)
        image.ImageComments = "corrected"
        image.save_as(changed)

        assert store(gateway, series) == study
        workitems = gateway.await_end(study, 2)

        assert [one["outcome"] for one in workitems] == ["DONE", "DONE"]
        objects = [one["sop_instance_uid"] for r in gateway.results(study) for one in r["objects"]]
        assert len(objects) == len(set(objects)) >= 4
        assert served(http, image).ImageComments == "corrected"
        kinds = [event["kind"] for event in gateway.trace(study)["events"]]
        assert kinds.count("replaced") == 1
        (aside,) = gateway.client.json("/api/v1/quarantine")
        assert aside["sop_instance_uid"] == image.SOPInstanceUID
        assert "replaced" in aside["reason"]

        store(gateway, series)
        assert [event["kind"] for event in gateway.trace(study)["events"]].count("complete") == 2


def served(http: httpx.Client, image):
    path = (
        f"/dicom-web/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}"
        f"/instances/{image.SOPInstanceUID}"
    )
    reply = http.get(path, headers={"Accept": "application/dicom"})
    assert reply.status_code == 200
    return dcmread(BytesIO(reply.content))
