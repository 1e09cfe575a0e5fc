"""FHIR R4 search and paging, asked over HTTP as an EHR asks, on both kinds of database."""

from urllib.parse import quote

import pytest

from gateway.fhir.parameters import PARAMETERS
from gateway.store.tables import FhirSearchRow
from tests.fhir_schema import schema_errors
from tests.gateway.fhir_client import (
    NODULE,
    bundle,
    fill,
    found,
    put,
    result,
    total,
)

AIAST = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue|AIAST"


def test_the_ai_label_finds_exactly_what_the_machine_asserts(filled_fhir):
    asserted = {t: total(filled_fhir, f"/{t}", _security=AIAST) for t in PARAMETERS}
    everything = {t: total(filled_fhir, f"/{t}") for t in PARAMETERS}

    assert {t for t, count in asserted.items() if count} == {"Observation", "DiagnosticReport"}
    assert asserted["Observation"] == everything["Observation"]
    assert asserted["DiagnosticReport"] == everything["DiagnosticReport"] == 3


def test_provenance_of_a_target_names_device_and_source_study(filled_fhir):
    for observation in found(filled_fhir, "/Observation"):
        (provenance,) = found(filled_fhir, "/Provenance", target=f"Observation/{observation['id']}")
        who = provenance["agent"][0]["who"]["reference"]
        assert who == observation["device"]["reference"]
        source = provenance["entity"][0]["what"]["reference"]
        assert source == observation["derivedFrom"][0]["reference"]


def test_chained_and_identifier_searches_find_a_patient_by_number(filled_fhir):
    (patient,) = found(filled_fhir, "/Patient", identifier="Q-99")
    system = patient["identifier"][0]["system"]

    for name, value in {
        "patient": patient["id"],
        "subject": f"Patient/{patient['id']}",
        "subject:Patient": patient["id"],
        "patient.identifier": f"{system}|Q-99",
        "subject:Patient.name": "eva",
        "subject:identifier": f"{system}|Q-99",
        "patient:identifier": "Q-99",
    }.items():
        (report,) = found(filled_fhir, "/DiagnosticReport", **{name: value})
        assert report["status"] == "cancelled", name
        assert report["subject"]["reference"] == f"Patient/{patient['id']}"


def test_a_chain_of_two_goes_from_report_over_result_to_device(filled_fhir):
    device = f"urn:oid:{NODULE.device_uid}"
    (report,) = found(filled_fhir, "/DiagnosticReport", **{"result.device.identifier": device})
    assert "nodule_ct" in report["conclusion"]


def test_references_are_found_by_the_url_that_the_bundle_gave(filled_fhir):
    entry = bundle(filled_fhir, "/Device", **{"device-name": "lung_ct"})["entry"][0]
    assert total(filled_fhir, "/Observation", device=entry["fullUrl"]) == 9
    elsewhere = entry["fullUrl"].replace("airgate.test", "other.test")
    assert total(filled_fhir, "/Observation", device=elsewhere) == 0


OBSERVATIONS = {  # in all: two results of 5 measurements and 3 groups, and one refusal
    "status=preliminary": 16,
    "status=cancelled": 1,
    "status=http://hl7.org/fhir/observation-status|preliminary": 16,
    "status=preliminary,cancelled": 17,
    "status:not=preliminary": 1,
    "code=118565006": 4,
    "code=http://snomed.info/sct|118565006": 4,
    "code=http://snomed.info/sct|": 8,  # volumes, and groups by their category
    "code=http://loinc.org|118565006": 0,
    "code=|118565006": 0,
    "code=118565006&category=imaging": 4,
    "code=118565006&category=125007": 0,
    "code=118565006&code=112031": 0,
    "code=118565006,112031": 6,
    "category=http://dicom.nema.org/resources/ontology/DCM|125007": 6,
    "date=2024-05-04": 16,
    "date=2024-05": 16,
    "date=2024-05-04T08:15:30%2B02:00": 16,
    "date=2024-05-04T08:15:30+02:00": 16,
    "date=2024-05-04T06:15:30Z": 16,
    "date=2024-05-04T06:15:31Z": 0,
    "date=ne2024-05-04": 1,
    "date=ge2024": 16,
    "date=gt2024": 0,
    "date=lt2024": 1,
    "date=sa2023": 16,
    "date=eb2024-05-04": 1,
    "date=ge2023-01-01&date=le2023-12-31": 1,
    "date=eq2023-01": 1,
    "has-member:missing=false": 6,
    "has-member:missing=true": 11,
    "value-concept=44029006": 2,
    "method=373098007": 2,
    "data-absent-reason=not-performed": 1,
    "based-on:identifier=ACC1": 17,
    "derived-from.identifier=urn:dicom:uid|": 17,
    "_lastUpdated=gt2020": 17,
    "_lastUpdated=lt2020": 0,
    "_id=nothing": 0,
    f"_security={quote(AIAST)}": 17,
    "unheard-of=1": 17,
}


@pytest.mark.parametrize("query", OBSERVATIONS)
def test_observations_match_as_fhir_says(filled_fhir, query):
    answer = filled_fhir.get(f"/Observation?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == OBSERVATIONS[query]


PATIENTS = {
    "name=muller": 1,  # without accents and case, from the beginning of each part
    "name=MÜLL": 1,
    "name=ller": 0,
    "name:contains=ller": 1,
    "family=doe&given=ann": 1,
    "name=%25": 0,
    "birthdate=1961": 2,
    "birthdate=1961-02-03": 2,
    "gender=female": 2,
    "identifier=P-17,Q-99": 2,
    "identifier=P-17\\,Q-99": 0,
}


@pytest.mark.parametrize("query", PATIENTS)
def test_patients_match_as_fhir_says(filled_fhir, query):
    assert filled_fhir.get(f"/Patient?{query}").json()["total"] == PATIENTS[query]


def test_every_listed_parameter_finds_what_it_was_extracted_from(filled_fhir):
    with filled_fhir.app.state.services.database.read() as session:
        rows = session.query(FhirSearchRow).all()
    seen = set()
    for row in rows:
        kind = (row.resource_type, row.parameter)
        if kind in seen:
            continue
        seen.add(kind)
        value = f"{row.system}|{row.value}" if row.system else row.value
        asked = row.parameter if row.low is None else f"{row.parameter}:missing"
        entries = found(
            filled_fhir, f"/{row.resource_type}", **{asked: value if row.low is None else "false"}
        )
        assert row.resource_id in {entry["id"] for entry in entries}, kind

    never_filled = {("Endpoint", "_security"), ("Device", "_security"), ("Patient", "_security")}
    never_filled |= {("ImagingStudy", "_security"), ("Provenance", "_security")}
    by_identifier_only = {(t, n) for t, n in seen if n.endswith(":identifier")}
    orders = {("Observation", "based-on"), ("DiagnosticReport", "based-on")}
    orders |= {("ImagingStudy", "basedon")}
    listed = {(t, name) for t, parameters in PARAMETERS.items() for name in parameters}
    assert listed - seen == never_filled | orders
    assert {(t, f"{name}:identifier") for t, name in orders} <= by_identifier_only


def walk(fhir_client, path, **parameters):
    page = bundle(fhir_client, path, **parameters)
    while True:
        yield page
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            return
        page = fhir_client.get(following[0]).json()


def test_pages_together_are_the_whole_and_links_lead_on(filled_fhir):
    whole = [r["id"] for r in found(filled_fhir, "/Observation", status="preliminary")]
    pages = list(walk(filled_fhir, "/Observation", status="preliminary", _count=3))

    assert [len(page["entry"]) for page in pages] == [3, 3, 3, 3, 3, 1]
    assert [e["resource"]["id"] for page in pages for e in page["entry"]] == whole
    assert {page["total"] for page in pages} == {16}
    for page in pages:
        self_link = page["link"][0]
        assert self_link["relation"] == "self"
        assert filled_fhir.get(self_link["url"]).json() == page
        assert schema_errors(page) == []


def test_what_arrives_while_a_client_pages_shifts_nothing(fhir_client, database):
    fill(database)
    before = [r["id"] for r in found(fhir_client, "/Observation")]
    pages = walk(fhir_client, "/Observation", _count=4)
    seen = [e["resource"]["id"] for e in next(pages)["entry"]]
    put(database, result("C"), "1.9")
    seen += [e["resource"]["id"] for page in pages for e in page["entry"]]

    assert seen[: len(before)] == before
    assert len(seen) == len(set(seen)) == len(before) + 8


def test_count_zero_gives_the_total_alone(filled_fhir):
    page = bundle(filled_fhir, "/Observation", _count=0)
    assert page["total"] == 17
    assert "entry" not in page


def test_self_link_repeats_only_what_was_understood(filled_fhir):
    page = bundle(filled_fhir, "/Observation", status="preliminary", colour="blue")
    assert page["link"][0]["url"] == (
        "http://airgate.test/fhir/r4/Observation?status=preliminary&_count=50"
    )


def test_links_lead_through_a_proxy(filled_fhir):
    proxy = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "ehr.example",
        "X-Forwarded-Prefix": "/ai",
    }
    page = filled_fhir.get("/Patient", headers=proxy).json()
    assert page["entry"][0]["fullUrl"].startswith("https://ehr.example/ai/fhir/r4/Patient/")
    assert page["link"][0]["url"].startswith("https://ehr.example/ai/fhir/r4/Patient?")


def test_search_by_post_takes_body_and_query_together(filled_fhir):
    answer = filled_fhir.post("/Observation/_search?category=imaging", data={"code": "118565006"})
    assert answer.json()["total"] == 4
    assert answer.json()["resourceType"] == "Bundle"
