"""One study through the whole house: every promised output, retrieved again and judged."""

import io

import httpx
import pytest
from dicomweb_client import DICOMwebClient
from pydicom import Dataset, dcmread

from tests import judges
from tests.acceptance.conftest import Finished
from tests.fhir_schema import schema_errors

pytestmark = pytest.mark.serve

KINDS = ["SEG", "SR", "PR", "SC"]


def instance(finished: Finished, kind: str) -> Dataset:
    """One result object, retrieved by WADO-RS."""
    (found,) = [one for one in finished.result["objects"] if one["kind"] == kind]
    headers = {"Authorization": f"Bearer {finished.gateway.token}", "Accept": "application/dicom"}
    reply = httpx.get(found["url"], headers=headers).raise_for_status()
    return dcmread(io.BytesIO(reply.content))


def test_the_workitem_names_its_input_and_lists_every_output_SC_52(finished):
    uid = finished.result["workitem"]["uid"]
    (step,) = finished.gateway.client.json(f"/dicom-web/workitems/{uid}")
    step = Dataset.from_json(step)

    (performed,) = step.UnifiedProcedureStepPerformedProcedureSequence
    listed = {
        reference.ReferencedSOPInstanceUID
        for item in performed.OutputInformationSequence
        for reference in item.ReferencedSOPSequence
    }
    inputs = {
        reference.ReferencedSOPInstanceUID
        for item in step.InputInformationSequence
        for reference in item.ReferencedSOPSequence
    }
    assert inputs == {one.SOPInstanceUID for one in finished.phantom.instances}
    assert step.ProcedureStepState == "COMPLETED"
    assert listed == {one["sop_instance_uid"] for one in finished.result["objects"]}
    assert "TransactionUID" not in step


def test_the_measurements_are_the_phantoms(finished):
    truth = finished.phantom.truth
    volumes = {
        one["site"]: one["value"]
        for one in finished.result["measurements"]
        if one["code"]["value"] == "118565006"
    }
    assert volumes["Right lung"] == pytest.approx(truth.right.volume_ml, rel=0.03)
    assert volumes["Left lung"] == pytest.approx(truth.left.volume_ml, rel=0.03)


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_passes_every_judge(finished, kind, tmp_path):
    path = tmp_path / f"{kind}.dcm"
    instance(finished, kind).save_as(path)

    assert judges.dciodvfy(path) == []
    if kind == "SR":
        assert judges.dsrdump(path) == []
    if kind == "PR":
        assert judges.dcmpschk(path) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_lies_alone_in_a_series_of_the_same_study(finished, kind):
    dataset = instance(finished, kind)
    series = f"/dicom-web/studies/{finished.study}/series/{dataset.SeriesInstanceUID}/instances"

    assert dataset.StudyInstanceUID == finished.study
    assert dataset.PatientID == finished.phantom.instances[0].PatientID
    assert len(finished.gateway.client.json(series)) == 1


def test_every_reference_of_the_report_can_be_retrieved(finished):
    report = instance(finished, "SR")
    client = DICOMwebClient(
        f"{finished.gateway.url}/dicom-web",
        headers={"Authorization": f"Bearer {finished.gateway.token}"},
    )
    known = {
        one["00080018"]["Value"][0]
        for one in client.search_for_instances(study_instance_uid=finished.study)
    }
    referenced = {
        reference.ReferencedSOPInstanceUID
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
    }
    assert referenced
    assert referenced <= known


def test_every_fhir_resource_is_served_valid_and_marked(finished):
    kinds = set()
    for one in finished.result["fhir"]:
        resource = finished.gateway.client.json(f"/fhir/r4/{one['resource_type']}/{one['id']}")
        kinds.add(resource["resourceType"])
        assert schema_errors(resource) == []
    assert kinds >= {
        "Observation",
        "DiagnosticReport",
        "ImagingStudy",
        "Device",
        "Provenance",
        "Patient",
    }


def test_there_is_one_observation_for_each_measurement_with_the_same_value(finished):
    bundle = finished.gateway.client.json("/fhir/r4/Observation?_count=200")
    told = sorted(
        (entry["resource"]["valueQuantity"]["value"], entry["resource"]["valueQuantity"]["code"])
        for entry in bundle["entry"]
        if "valueQuantity" in entry["resource"]
    )
    wanted = sorted((one["value"], one["unit"]) for one in finished.result["measurements"])
    assert told == wanted


def test_the_trace_tells_the_way_from_the_first_byte_to_the_result(finished):
    trace = finished.gateway.trace(finished.study)
    kinds = list(dict.fromkeys(event["kind"] for event in trace["events"]))
    steps = [event["detail"]["name"] for event in trace["events"] if event["kind"] == "step"]

    assert set(kinds) >= {"received", "complete", "routed", "workitem_created", "claimed", "done"}
    assert kinds.index("received") < kinds.index("complete") < kinds.index("done")
    assert set(steps) == {"fetch", "load pixels", "model", "encode", "archive", "FHIR"}


def test_the_same_study_again_is_accepted_and_makes_no_new_work(finished, tmp_path):
    finished.phantom.write(tmp_path / "again")
    status, _ = finished.gateway.client.store(sorted((tmp_path / "again").iterdir()))

    assert status == 200
    assert len(finished.gateway.trace(finished.study)["workitems"]) == 1
    assert finished.gateway.trace(finished.study)["study"]["state"] == "COMPLETE"


def test_results_sent_back_are_accepted_and_make_no_new_work(finished, tmp_path):
    path = tmp_path / "seg.dcm"
    instance(finished, "SEG").save_as(path)

    status, _ = finished.gateway.client.store([path])

    assert status == 200
    assert finished.gateway.trace(finished.study)["study"]["state"] == "COMPLETE"


def test_no_patient_data_is_in_the_log(finished):
    header = finished.phantom.instances[0]

    assert finished.gateway.log
    for secret in (str(header.PatientName), str(header.PatientID)):
        assert secret not in finished.gateway.log
        assert secret not in httpx.get(f"{finished.gateway.url}/metrics").text


def test_only_the_probes_answer_without_the_token(finished):
    paths = finished.gateway.client.json("/api/openapi.json")["paths"]
    gets = [path for path, methods in paths.items() if "get" in methods and "{" not in path]
    opened = {
        path
        for path in [
            *gets,
            "/api/openapi.json",
            "/api/docs",
            f"/dicom-web/studies/{finished.study}",
        ]
        if httpx.get(f"{finished.gateway.url}{path}").status_code not in (401, 303, 302)
    }
    assert opened <= {"/health/live", "/health/ready", "/metrics", "/ui/login"}
