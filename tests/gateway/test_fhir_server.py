"""The FHIR R4 server, asked over HTTP as an EHR asks it, on a real database."""

import threading
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fhir.resources.R4B import get_fhir_model_class
from starlette.testclient import TestClient

from gateway.fhir.parameters import COMMON, PARAMETERS, Kind
from gateway.fhir.repository import put_all
from gateway.problems import add_handlers
from gateway.routers.fhir import router
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.migrate import migrate
from gateway.store.tables import FhirSearchRow
from standards.fhir import no_result, resources
from tests import fhir_example as example
from tests.fhir_schema import broken_invariants, definitions, schema_errors

AIAST = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue|AIAST"
NODULE = example.algorithm("nodule_ct")


@pytest.fixture
def client(database):
    return client_of(database)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request, tmp_path_factory):
    """Two patients: A with results of two models, B with a refusal. For tests that only look."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path_factory.mktemp('fhir') / 'airgate.db'}")
    else:
        database = Database(request.getfixturevalue("postgresql").new_database())
    migrate(database)
    fill(database)
    yield client_of(database)
    database.close()


def client_of(database):
    app = FastAPI()
    app.state.services = SimpleNamespace(settings=Settings(), database=database)
    app.include_router(router)
    add_handlers(app)
    return TestClient(app, base_url="http://airgate.test/fhir/r4")


def fill(database):
    put(database, result("A"), "1.1")
    put(database, result("A", NODULE), "1.2")
    other = example.analysis("B", PatientID="Q-99", PatientName="Müller^Eva", StudyDate="20230115")
    put(database, no_result(other, "too few slices", example.references("B")), "1.3")


def put(database, made, workitem="1.2.3"):
    with database.write() as session:
        put_all(session, made, workitem)


def result(study="A", model=None, **attributes):
    made = example.result(study, model, **attributes)
    return resources(made, example.references(study, model))


def bundle(client, path, **parameters):
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def found(client, path, **parameters):
    return [entry["resource"] for entry in bundle(client, path, **parameters).get("entry", [])]


def total(client, path, **parameters):
    return bundle(client, path, **parameters)["total"]


def outcome(answer, status, code):
    """Asserts that an answer is an OperationOutcome and gives its text."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/fhir+json; fhirVersion=4.0"
    body = answer.json()
    assert schema_errors(body) == []
    assert body["issue"][0]["code"] == code
    return body["issue"][0]["diagnostics"]


# Reading


def test_a_resource_is_read_with_its_version_and_type(filled):
    (device,) = found(filled, "/Device", **{"device-name": "lung"})
    answer = filled.get(f"/Device/{device['id']}")

    assert answer.headers["content-type"] == "application/fhir+json; fhirVersion=4.0"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["last-modified"].endswith("GMT")
    assert answer.json() == device
    assert device["meta"]["versionId"] == "1"
    again = filled.get(f"/Device/{device['id']}", headers={"If-None-Match": 'W/"1"'})
    assert (again.status_code, again.content) == (304, b"")


def test_everything_kept_is_served_as_valid_r4(filled):
    for resource_type in PARAMETERS:
        page = bundle(filled, f"/{resource_type}")
        assert page["total"] > 0
        for resource in [page, *(entry["resource"] for entry in page["entry"])]:
            assert schema_errors(resource) == []
            assert broken_invariants(resource) == []
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)


# Keeping


def test_repeating_the_same_work_changes_no_version(client, database):
    fill(database)
    before = [bundle(client, f"/{resource_type}") for resource_type in PARAMETERS]
    fill(database)
    assert [bundle(client, f"/{resource_type}") for resource_type in PARAMETERS] == before


def test_changed_content_gets_a_new_version_and_new_search_values(client, database):
    put(database, result(PatientName="Doe^Ann"))
    put(database, result(PatientName="Roe^Ann"))

    (patient,) = found(client, "/Patient")
    assert patient["meta"]["versionId"] == "2"
    assert total(client, "/Patient", name="roe") == 1
    assert total(client, "/Patient", name="doe") == 0


def test_two_models_share_one_imaging_study_that_lists_the_series_of_both(filled):
    identifier = f"urn:dicom:uid|urn:oid:{example.analysis('A').study_instance_uid}"
    (study,) = found(filled, "/ImagingStudy", identifier=identifier)
    assert [s["modality"]["code"] for s in study["series"]] == ["CT", "SEG", "SEG", "SR", "SR"]


def test_a_result_takes_the_place_of_an_earlier_refusal(client, database):
    put(database, no_result(example.analysis(), "out of memory", example.references()))
    assert total(client, "/Observation", **{"data-absent-reason": "not-performed"}) == 1

    put(database, result())

    assert total(client, "/Observation", **{"data-absent-reason": "not-performed"}) == 0
    (report,) = found(client, "/DiagnosticReport")
    assert (report["status"], report["meta"]["versionId"]) == ("preliminary", "2")


def test_a_failed_transaction_keeps_nothing(client, database):
    def fail_after_keeping():
        with database.write() as session:
            put_all(session, result(), "1.1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_keeping()
    assert total(client, "/Observation") == 0


def test_workers_that_finish_at_once_lose_nothing_of_a_shared_study(client, database):
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
    (study,) = found(client, "/ImagingStudy")
    assert len(study["series"]) == 1 + 2 * len(models)
    assert total(client, "/DiagnosticReport") == len(models)
    assert total(client, "/Patient") == 1


# Searching


def test_the_ai_label_finds_exactly_what_the_machine_asserts(filled):
    asserted = {t: total(filled, f"/{t}", _security=AIAST) for t in PARAMETERS}
    everything = {t: total(filled, f"/{t}") for t in PARAMETERS}

    assert {t for t, count in asserted.items() if count} == {"Observation", "DiagnosticReport"}
    assert asserted["Observation"] == everything["Observation"]
    assert asserted["DiagnosticReport"] == everything["DiagnosticReport"] == 3


def test_provenance_of_a_target_names_device_and_source_study(filled):
    for observation in found(filled, "/Observation"):
        (provenance,) = found(filled, "/Provenance", target=f"Observation/{observation['id']}")
        who = provenance["agent"][0]["who"]["reference"]
        assert who == observation["device"]["reference"]
        source = provenance["entity"][0]["what"]["reference"]
        assert source == observation["derivedFrom"][0]["reference"]


def test_chained_and_identifier_searches_find_a_patient_by_number(filled):
    (patient,) = found(filled, "/Patient", identifier="Q-99")
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
        (report,) = found(filled, "/DiagnosticReport", **{name: value})
        assert report["status"] == "cancelled", name
        assert report["subject"]["reference"] == f"Patient/{patient['id']}"


def test_a_chain_of_two_goes_from_report_over_result_to_device(filled):
    device = f"urn:oid:{NODULE.device_uid}"
    (report,) = found(filled, "/DiagnosticReport", **{"result.device.identifier": device})
    assert "nodule_ct" in report["conclusion"]


def test_references_are_found_by_the_url_that_the_bundle_gave(filled):
    entry = bundle(filled, "/Device", **{"device-name": "lung_ct"})["entry"][0]
    assert total(filled, "/Observation", device=entry["fullUrl"]) == 9
    elsewhere = entry["fullUrl"].replace("airgate.test", "other.test")
    assert total(filled, "/Observation", device=elsewhere) == 0


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
def test_observations_match_as_fhir_says(filled, query):
    answer = filled.get(f"/Observation?{query}")
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
def test_patients_match_as_fhir_says(filled, query):
    assert filled.get(f"/Patient?{query}").json()["total"] == PATIENTS[query]


def test_every_listed_parameter_finds_what_it_was_extracted_from(filled):
    with filled.app.state.services.database.read() as session:
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
            filled, f"/{row.resource_type}", **{asked: value if row.low is None else "false"}
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


# Paging


def walk(client, path, **parameters):
    page = bundle(client, path, **parameters)
    while True:
        yield page
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            return
        page = client.get(following[0]).json()


def test_pages_together_are_the_whole_and_links_lead_on(filled):
    whole = [r["id"] for r in found(filled, "/Observation", status="preliminary")]
    pages = list(walk(filled, "/Observation", status="preliminary", _count=3))

    assert [len(page["entry"]) for page in pages] == [3, 3, 3, 3, 3, 1]
    assert [e["resource"]["id"] for page in pages for e in page["entry"]] == whole
    assert {page["total"] for page in pages} == {16}
    for page in pages:
        self_link = page["link"][0]
        assert self_link["relation"] == "self"
        assert filled.get(self_link["url"]).json() == page
        assert schema_errors(page) == []


def test_what_arrives_while_a_client_pages_shifts_nothing(client, database):
    fill(database)
    before = [r["id"] for r in found(client, "/Observation")]
    pages = walk(client, "/Observation", _count=4)
    seen = [e["resource"]["id"] for e in next(pages)["entry"]]
    put(database, result("C"), "1.9")
    seen += [e["resource"]["id"] for page in pages for e in page["entry"]]

    assert seen[: len(before)] == before
    assert len(seen) == len(set(seen)) == len(before) + 8


def test_count_zero_gives_the_total_alone(filled):
    page = bundle(filled, "/Observation", _count=0)
    assert page["total"] == 17
    assert "entry" not in page


def test_self_link_repeats_only_what_was_understood(filled):
    page = bundle(filled, "/Observation", status="preliminary", colour="blue")
    assert page["link"][0]["url"] == (
        "http://airgate.test/fhir/r4/Observation?status=preliminary&_count=50"
    )


def test_links_lead_through_a_proxy(filled):
    proxy = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "ehr.example",
        "X-Forwarded-Prefix": "/ai",
    }
    page = filled.get("/Patient", headers=proxy).json()
    assert page["entry"][0]["fullUrl"].startswith("https://ehr.example/ai/fhir/r4/Patient/")
    assert page["link"][0]["url"].startswith("https://ehr.example/ai/fhir/r4/Patient?")


def test_search_by_post_takes_body_and_query_together(filled):
    answer = filled.post("/Observation/_search?category=imaging", data={"code": "118565006"})
    assert answer.json()["total"] == 4
    assert answer.json()["resourceType"] == "Bundle"


# Metadata


def test_capability_statement_is_valid_and_lists_what_search_understands(filled):
    statement = filled.get("/metadata").json()
    assert schema_errors(statement) == []
    assert broken_invariants(statement) == []
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == "http://airgate.test/fhir/r4"
    for resource in statement["rest"][0]["resource"]:
        for parameter in resource["searchParam"]:
            value = "2024" if parameter["type"] == "date" else "x"
            answer = filled.get(
                f"/{resource['type']}",
                params={parameter["name"]: value},
                headers={"Prefer": "handling=strict"},
            )
            assert answer.status_code == 200, (resource["type"], parameter)


def test_parameters_are_those_that_hl7_defines():
    defined = {
        (base, entry["resource"]["code"]): entry["resource"]["type"]
        for entry in definitions("search-parameters.json")["entry"]
        for base in entry["resource"]["base"]
    }
    own = {("DiagnosticReport", "imagingStudy")}  # of IHE IMR
    for resource_type, parameters in PARAMETERS.items():
        for parameter in parameters.values():
            base = "Resource" if parameter in COMMON else resource_type
            if (base, parameter.name) not in own:
                assert defined[base, parameter.name] == parameter.kind.value
            assert bool(parameter.targets) == (parameter.kind is Kind.REFERENCE)


# Refusing


def test_what_is_not_there_is_an_operation_outcome(filled):
    outcome(filled.get("/Observation/none"), 404, "not-found")
    outcome(filled.get("/Observation/a%00b"), 404, "not-found")
    outcome(filled.get("/Patient/%2e%2e%2fPatient"), 405, "not-supported")
    assert "Medication" in outcome(filled.get("/Medication"), 404, "not-supported")
    outcome(filled.get("/Medication/1"), 404, "not-supported")
    outcome(filled.post("/Medication/_search", data={}), 404, "not-supported")


BAD_QUERIES = [
    "date=yesterday",
    "date=2024-13-01",
    "date=xx2024-01-01",
    "date=ap2024",
    "date=99999",
    "date=9999",
    "_lastUpdated=1",
    "_count=-1",
    "_count=many",
    "_page=nonsense",
    "_page=1~%00",
    "code=",
    "code=a,,b",
    "code=a%00b",
    "code=" + ",".join("x" * 201),
    "code:exact=1",
    "has-member:missing=perhaps",
    "subject:Group=1",
    "subject.colour=1",
    "code.text=1",
    "has-member.has-member.has-member.has-member.code=1",
    "&".join(["code=1"] * 101),
]


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_a_value_that_cannot_be_understood_is_refused_with_the_parameter_named(filled, query):
    answer = filled.get(f"/Observation?{query}")
    assert query.partition("=")[0].partition(":")[0] in outcome(answer, 400, "invalid")


def test_refusals_never_repeat_a_value_of_the_query(filled):
    answer = filled.get("/Patient", params={"birthdate": "3rd of February, Ann Doe"})
    assert "Ann" not in outcome(answer, 400, "invalid")


def test_an_unknown_parameter_is_refused_only_when_the_client_is_strict(filled):
    assert filled.get("/Observation?colour=blue").status_code == 200
    answer = filled.get("/Observation?colour=blue", headers={"Prefer": "handling=strict"})
    assert "colour" in outcome(answer, 400, "not-supported")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/Observation", "GET"),
        ("PUT", "/Observation/1", "GET"),
        ("DELETE", "/Observation/1", "GET"),
        ("POST", "/metadata", "GET"),
        ("PUT", "/Observation/_search", "POST"),
    ],
)
def test_writing_is_not_offered(filled, method, path, allow):
    answer = filled.request(method, path)
    outcome(answer, 405, "not-supported")
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize(
    "accept",
    [
        "application/fhir+xml",
        "application/fhir+json; fhirVersion=5.0",
        "text/html",
        "application/json;q=0",
    ],
)
def test_formats_that_cannot_be_given_are_refused(filled, accept):
    outcome(filled.get("/metadata", headers={"Accept": accept}), 406, "not-supported")


@pytest.mark.parametrize(
    "accept",
    [
        "application/fhir+json",
        "application/json",
        "*/*",
        "application/fhir+json; fhirVersion=4.0",
        "text/html,application/xml;q=0.9,*/*;q=0.8",
    ],
)
def test_formats_that_can_be_given_are(filled, accept):
    assert filled.get("/metadata", headers={"Accept": accept}).status_code == 200


def test_format_parameter_wins_over_accept(filled):
    xml = {"Accept": "application/fhir+xml"}
    assert filled.get("/metadata?_format=json", headers=xml).status_code == 200
    assert filled.get("/metadata?_format=application/fhir%2Bjson", headers=xml).status_code == 200
    outcome(filled.get("/metadata?_format=xml"), 406, "not-supported")


def test_a_search_by_post_is_a_form_of_bounded_size(filled):
    answer = filled.post("/Observation/_search", json={"code": "1"})
    outcome(answer, 415, "not-supported")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = filled.post("/Observation/_search", content=b"code=" + b"x" * 300_000, headers=form)
    outcome(answer, 413, "too-long")


def test_a_database_that_is_away_is_told_as_an_operation_outcome(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'never-migrated.db'}")
    outcome(client_of(database).get("/Observation"), 503, "transient")
    database.close()
