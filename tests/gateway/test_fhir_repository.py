"""How answers are kept as FHIR resources: versions, shared resources, transactions."""

import threading

import pytest

from gateway.fhir.parameters import PARAMETERS
from gateway.fhir.repository import put_all
from standards.fhir import no_result
from tests import fhir_example as example
from tests.gateway.fhir_client import (
    bundle,
    fill,
    found,
    put,
    result,
    total,
)


def test_repeating_the_same_work_changes_no_version(fhir_client, database):
    fill(database)
    before = [bundle(fhir_client, f"/{resource_type}") for resource_type in PARAMETERS]
    fill(database)
    assert [bundle(fhir_client, f"/{resource_type}") for resource_type in PARAMETERS] == before


def test_changed_content_gets_a_new_version_and_new_search_values(fhir_client, database):
    put(database, result(PatientName="Doe^Ann"))
    put(database, result(PatientName="Roe^Ann"))

    (patient,) = found(fhir_client, "/Patient")
    assert patient["meta"]["versionId"] == "2"
    assert total(fhir_client, "/Patient", name="roe") == 1
    assert total(fhir_client, "/Patient", name="doe") == 0


def test_two_models_share_one_imaging_study_that_lists_the_series_of_both(filled_fhir):
    identifier = f"urn:dicom:uid|urn:oid:{example.analysis('A').study_instance_uid}"
    (study,) = found(filled_fhir, "/ImagingStudy", identifier=identifier)
    assert [s["modality"]["code"] for s in study["series"]] == ["CT", "SEG", "SEG", "SR", "SR"]


def test_a_result_takes_the_place_of_an_earlier_refusal(fhir_client, database):
    put(database, no_result(example.analysis(), "out of memory", example.references()))
    assert total(fhir_client, "/Observation", **{"data-absent-reason": "not-performed"}) == 1

    put(database, result())

    assert total(fhir_client, "/Observation", **{"data-absent-reason": "not-performed"}) == 0
    (report,) = found(fhir_client, "/DiagnosticReport")
    assert (report["status"], report["meta"]["versionId"]) == ("preliminary", "2")


def test_a_failed_transaction_keeps_nothing(fhir_client, database):
    def fail_after_keeping():
        with database.write() as session:
            put_all(session, result(), "1.1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_keeping()
    assert total(fhir_client, "/Observation") == 0


def test_workers_that_finish_at_once_lose_nothing_of_a_shared_study(fhir_client, database):
    models = [example.algorithm(f"model_{number}") for number in range(6)]
    start = threading.Barrier(len(models))
    failures = []

    def work(number):
        made = result("A", models[number])
        start.wait()
        try:
            put(database, made, f"1.{number}")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(models))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    (study,) = found(fhir_client, "/ImagingStudy")
    assert len(study["series"]) == 1 + 2 * len(models)
    assert total(fhir_client, "/DiagnosticReport") == len(models)
    assert total(fhir_client, "/Patient") == 1
