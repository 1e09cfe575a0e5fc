"""Slices that come after the result: the whole house makes a new one, which points to the old."""

import io

import httpx
import pytest
from pydicom import Dataset, dcmread

from tests import judges
from tests.phantom import chest_phantom
from tests.serving import Gateway

pytestmark = pytest.mark.serve

LATE = 3  # slices


def report(gateway: Gateway, result: dict) -> Dataset:
    (found,) = [one for one in result["objects"] if one["kind"] == "SR"]
    headers = {"Authorization": f"Bearer {gateway.token}", "Accept": "application/dicom"}
    return dcmread(io.BytesIO(httpx.get(found["url"], headers=headers).raise_for_status().content))


def test_late_slices_give_a_new_result_that_supersedes_the_old(tmp_path):
    phantom = chest_phantom(matrix=192)
    phantom.write(tmp_path / "series")
    files = sorted((tmp_path / "series").iterdir())
    study = str(phantom.instances[0].StudyInstanceUID)
    with Gateway(tmp_path / "data") as gateway:
        assert gateway.client.store(files[:-LATE])[0] == 200
        gateway.await_end(study)
        (before,) = gateway.results(study)
        old = report(gateway, before)
        assert gateway.client.store(files[-LATE:])[0] == 200
        gateway.await_end(study, workitems=2)
        (after,) = gateway.results(study)
        new = report(gateway, after)
        everything = gateway.client.json(f"/air/studies/{study}/results?superseded=true")
        (stale,) = [one for one in before["fhir"] if one["resource_type"] == "DiagnosticReport"]
        told = gateway.client.json(f"/fhir/r4/DiagnosticReport/{stale['id']}")

    assert after["workitem"]["supersedes"] == before["workitem"]["uid"]
    assert len(everything["results"]) == 2
    assert told["status"] == "entered-in-error"
    (predecessor,) = new.PredecessorDocumentsSequence
    (document,) = predecessor.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert document.ReferencedSOPInstanceUID == old.SOPInstanceUID
    new.save_as(tmp_path / "new.dcm")
    assert judges.dciodvfy(tmp_path / "new.dcm") == []
