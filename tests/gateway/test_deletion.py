"""Deleting studies, series and instances: what answers 410, what is withdrawn, what may return."""

from copy import deepcopy

import pytest

from adapters.memory import MemoryArchive
from gateway import services, tombstones, worklist
from gateway.access import Role
from gateway.jobs import Job
from gateway.settings import Settings
from gateway.store.tables import InstanceRow, SeriesRow, StudyRow, StudyValueRow
from gateway.tokens import Tokens
from standards.derived import part10
from tests.fhir_schema import broken_invariants, schema_errors
from tests.gateway.deletion_example import (
    CONTENTS,
    DICOM,
    SERIES,
    SERIES_URL,
    SOURCE,
    STUDY,
    STUDY_URL,
    Example,
)
from tests.instances import instance

FIRST, SECOND = (str(one.SOPInstanceUID) for one in SOURCE[:2])


@pytest.fixture
def example(database, tmp_path):
    settings = Settings(data=tmp_path, archive="folder", token="a-token-for-tests")
    example = Example(services.build(settings, MemoryArchive(), database))
    example.store()
    return example


def resources(study_url: str, series: str, uid: str) -> list[str]:
    image = f"{study_url}/series/{series}/instances/{uid}"
    return [
        *(f"{study_url}{path}" for path in ("", "/metadata", "/thumbnail")),
        *(f"{study_url}/series/{series}{path}" for path in ("", "/metadata", "/rendered")),
        *(image + path for path in ("", "/metadata", "/rendered", "/thumbnail", "/frames/1")),
        f"{image}/bulkdata/7FE00010",
        f"{image}/frames/1/rendered",
    ]


@pytest.mark.parametrize("url", [STUDY_URL, SERIES_URL, f"{SERIES_URL}/instances/{FIRST}"])
def test_sc_41_what_was_deleted_is_gone_and_what_never_was_is_not_found(example, url):
    """SC-41."""
    assert example.client.delete(url).status_code == 204

    gone = [one for one in resources(STUDY_URL, SERIES, FIRST) if one.startswith(url)]
    assert gone
    for one in gone:
        answer = example.client.get(one)
        assert answer.status_code == 410, one
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert example.client.head(one).status_code == 410
    for one in resources("/dicom-web/studies/1.2.3", "1.2.3.4", "1.2.3.4.5"):
        assert example.client.get(one).status_code == 404
    assert example.client.delete(url).status_code == 410
    assert example.client.delete("/dicom-web/studies/1.2.3").status_code == 404


def test_a_deleted_study_leaves_no_row_no_value_and_no_bytes(example):
    example.work()
    assert example.client.delete(STUDY_URL).status_code == 204

    for table in (StudyRow, SeriesRow, InstanceRow, StudyValueRow):
        assert example.count(table) == 0
    assert example.parts.archive._contents == {}
    for path in ("studies", "series", "instances", f"studies/{STUDY}/series"):
        assert example.client.get(f"/dicom-web/{path}").json() == []


def test_an_instance_and_then_its_series_leave_the_rest_and_the_counts_right(example):
    other = instance(study=STUDY, series="1.2.9", Modality="MR", PatientID="TEST-1")
    example.store([other])
    counted = ["00201206", "00201208", "00080061"]

    def counts():
        (study,) = example.client.get("/dicom-web/studies").json()
        return [study[tag]["Value"] for tag in counted]

    assert counts() == [[2], [len(SOURCE) + 1], ["CT", "MR"]]
    assert example.client.delete(f"{SERIES_URL}/instances/{FIRST}").status_code == 204
    assert counts() == [[2], [len(SOURCE)], ["CT", "MR"]]
    (series,) = example.client.get(f"{STUDY_URL}/series?Modality=CT").json()
    assert series["00201209"]["Value"] == [len(SOURCE) - 1]
    assert example.client.get(f"{SERIES_URL}/instances/{SECOND}/metadata").status_code == 200

    assert example.client.delete(SERIES_URL).status_code == 204
    assert counts() == [[1], [1], ["MR"]]
    assert example.client.get("/dicom-web/studies?ModalitiesInStudy=CT").json() == []
    assert example.client.delete(f"{STUDY_URL}/series/1.2.9/instances/1.2.9.1").status_code == 204
    assert example.client.get(STUDY_URL).status_code == 410  # it lost its last instance


def test_only_administrators_delete(example):
    tokens = Tokens(example.parts.database)
    for role, patient in ((Role.USER, None), (Role.PATIENT, "TEST-1")):
        _, token = tokens.make(role.value, role, patient, None)
        headers = {"Authorization": f"Bearer {token}"}
        for url in (STUDY_URL, SERIES_URL, f"{SERIES_URL}/instances/{FIRST}"):
            assert example.client.delete(url, headers=headers).status_code == 403
    assert example.client.get(f"{STUDY_URL}/metadata").status_code == 200


def test_a_patient_is_not_told_that_a_study_was_deleted(example):
    _, token = Tokens(example.parts.database).make("p", Role.PATIENT, "TEST-1", None)
    example.client.delete(STUDY_URL)
    answer = example.client.get(STUDY_URL, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["a", "1..2", "1.2.%00", "%F0%9F%92%80", "1" * 65, "..%2f..%2f"])
def test_hostile_paths_find_nothing(example, path):
    for method in ("DELETE", "GET", "HEAD"):
        for url in (f"/dicom-web/studies/{path}", f"{STUDY_URL}/series/{path}"):
            assert example.client.request(method, url).status_code == 404
    assert example.client.get(STUDY_URL).status_code == 200


def test_the_trace_tells_who_deleted_what_and_outlives_the_study(example):
    example.client.delete(f"{SERIES_URL}/instances/{FIRST}")
    example.client.delete(STUDY_URL)

    trace = example.client.get(f"/api/v1/studies/{STUDY}").json()
    assert trace["study"]["state"] == "DELETED"
    details = [one["detail"] for one in trace["events"] if one["kind"] == "deleted"]
    assert [one["level"] for one in details] == ["instance", "study"]
    assert details[0]["uid"] == FIRST
    assert [one["instances"] for one in details] == [1, len(SOURCE) - 1]
    assert {one["by"] for one in details} == {"administrator"}
    assert example.client.get(f"/air/studies/{STUDY}/results").status_code == 410


def test_open_work_on_it_is_canceled_with_its_reason_and_the_worker_goes_on(example):
    row = example.workitem()
    assert example.client.delete(SERIES_URL).status_code == 204

    step = example.client.get(f"/dicom-web/workitems/{row.sop_instance_uid}").json()[0]
    assert step["00741000"]["Value"] == ["CANCELED"]
    (progress,) = step["00741002"]["Value"]
    assert progress["00741238"]["Value"] == ["the instances that it works on were deleted"]
    assert example.row(row.sop_instance_uid).outcome == "WITHDRAWN"
    # The job that is still queued finds nothing, and had no place that another may have now.
    assert not example.pipeline.perform(Job(row.sop_instance_uid))


def test_results_of_work_that_was_under_way_are_not_published_and_leave_the_archive(example):
    row = example.workitem()
    claimed = worklist.claim(example.parts.database, row.sop_instance_uid)
    answer = example.results()
    assert example.client.delete(STUDY_URL).status_code == 204
    assert example.parts.archive._contents  # the worker's objects, named by nothing yet

    example.publish(claimed, answer)
    tombstones.finish(example.parts.database, example.parts.archive)

    assert example.parts.archive._contents == {}
    assert example.count(InstanceRow) == 0
    assert example.fhir("DiagnosticReport") == []
    assert example.row(row.sop_instance_uid).procedure_step_state == "CANCELED"


def test_inputs_that_vanish_under_a_worker_end_the_work_and_not_the_worker(example):
    row = example.workitem()
    example.parts.archive._contents.clear()
    example.pipeline.perform(Job(row.sop_instance_uid))
    assert example.row(row.sop_instance_uid).outcome == "FAILED"


def test_an_ehr_learns_that_results_are_withdrawn(example):
    example.work()
    before = {one["id"]: one for one in example.fhir("Observation")}
    assert example.client.delete(STUDY_URL).status_code == 204

    (report,) = example.fhir("DiagnosticReport")
    assert report["status"] == "entered-in-error"
    assert report["conclusion"].startswith("Withdrawn: its DICOM objects were deleted")
    observations = example.fhir("Observation")
    assert {one["id"] for one in observations} == before.keys()
    assert {one["status"] for one in observations} == {"entered-in-error"}
    assert {one["meta"]["versionId"] for one in observations} == {"2"}
    (study,) = example.fhir("ImagingStudy")
    assert study["status"] == "entered-in-error"
    assert "series" not in study
    for resource in (report, study, *observations):
        assert (schema_errors(resource), broken_invariants(resource)) == ([], [])
    assert example.fhir("Patient")
    assert example.fhir("Provenance")


def test_deleting_the_report_withdraws_what_it_said_and_leaves_the_images(example):
    uid = example.work()
    (report,) = (row for row in example.made() if row.sop_class_uid.endswith("88.34"))
    url = f"{STUDY_URL}/series/{report.series_instance_uid}"
    assert example.client.delete(url).status_code == 204

    assert {one["status"] for one in example.fhir("Observation")} == {"entered-in-error"}
    (study,) = example.fhir("ImagingStudy")
    assert study["status"] == "available"
    assert "SR" not in {one["modality"]["code"] for one in study["series"]}
    assert schema_errors(study) == []
    (result,) = example.client.get(f"/air/studies/{STUDY}/results").json()["results"]
    assert result["root"] is None
    assert report.sop_instance_uid not in {one["sop_instance_uid"] for one in result["objects"]}
    assert example.row(uid).outcome == "DONE"


def test_deleting_a_picture_of_a_result_leaves_what_the_report_says(example):
    example.work()
    (picture,) = (row for row in example.made() if row.sop_class_uid.endswith(".1.1.7"))
    url = f"{STUDY_URL}/series/{picture.series_instance_uid}"
    assert example.client.delete(url).status_code == 204
    (report,) = example.fhir("DiagnosticReport")
    assert report["status"] == "preliminary"
    (result,) = example.client.get(f"/air/studies/{STUDY}/results").json()["results"]
    assert all(
        example.client.get(_path(one["url"])).status_code == 200 for one in result["objects"]
    )


def test_deleting_the_source_alone_leaves_the_result_made_from_it(example):
    uid = example.work()
    assert example.client.delete(SERIES_URL).status_code == 204
    assert example.row(uid).outcome == "DONE"
    (report,) = example.fhir("DiagnosticReport")
    assert report["status"] == "preliminary"


def test_a_deleted_study_may_be_stored_again_and_is_worked_on_again(example):
    first = example.work()
    example.client.delete(STUDY_URL)
    example.store(CONTENTS[:-1])

    metadata = example.client.get(f"{STUDY_URL}/metadata")
    assert len(metadata.json()) == len(SOURCE) - 1
    missing = f"{SERIES_URL}/instances/{SOURCE[-1].SOPInstanceUID}"
    assert example.client.get(missing).status_code == 410
    example.store(CONTENTS[-1:])
    answer = example.client.get(missing, headers={"Accept": DICOM})
    assert CONTENTS[-1] in answer.content

    second = example.work()
    assert second != first
    (report,) = example.fhir("DiagnosticReport")
    assert (report["status"], report["meta"]["versionId"]) == ("preliminary", "3")
    (study,) = example.fhir("ImagingStudy")
    assert study["status"] == "available"
    assert example.workitem() is None  # that work is done


def test_another_content_may_come_under_the_uid_of_what_was_deleted(example):
    url = f"{SERIES_URL}/instances/{FIRST}"
    tag = example.client.head(f"{url}/metadata").headers["etag"]
    octets = {"Accept": "application/octet-stream"}
    before = example.client.get(f"{url}/frames/1", headers=octets)
    example.client.delete(url)
    changed = deepcopy(SOURCE[0])
    changed.SeriesDescription = "another"
    changed.PixelData = bytes(len(changed.PixelData))
    example.store([part10(changed)])

    answer = example.client.get(f"{url}/metadata", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.json()[0]["0008103E"]["Value"] == ["another"]
    after = example.client.get(f"{url}/frames/1", headers=octets)
    assert (len(after.content), any(after.content)) == (len(before.content), False)


def _path(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2]
