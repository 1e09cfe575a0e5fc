"""The FHIR R4 server over HTTP: read, metadata, and what it refuses."""

import pytest
from fhir.resources.R4B import get_fhir_model_class

from gateway.fhir.parameters import COMMON, PARAMETERS, Kind
from gateway.store.database import Database
from tests.fhir_schema import broken_invariants, definitions, schema_errors
from tests.gateway.fhir_client import (
    bundle,
    client_of,
    found,
    outcome,
)


def test_a_resource_is_read_with_its_version_and_type(filled_fhir):
    (device,) = found(filled_fhir, "/Device", **{"device-name": "lung"})
    answer = filled_fhir.get(f"/Device/{device['id']}")

    assert answer.headers["content-type"] == "application/fhir+json; fhirVersion=4.0"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["last-modified"].endswith("GMT")
    assert answer.json() == device
    assert device["meta"]["versionId"] == "1"
    again = filled_fhir.get(f"/Device/{device['id']}", headers={"If-None-Match": 'W/"1"'})
    assert (again.status_code, again.content) == (304, b"")


def test_everything_kept_is_served_as_valid_r4(filled_fhir):
    for resource_type in PARAMETERS:
        page = bundle(filled_fhir, f"/{resource_type}")
        assert page["total"] > 0
        for resource in [page, *(entry["resource"] for entry in page["entry"])]:
            assert schema_errors(resource) == []
            assert broken_invariants(resource) == []
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def test_capability_statement_is_valid_and_lists_what_search_understands(filled_fhir):
    statement = filled_fhir.get("/metadata").json()
    assert schema_errors(statement) == []
    assert broken_invariants(statement) == []
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == "http://airgate.test/fhir/r4"
    for resource in statement["rest"][0]["resource"]:
        for parameter in resource["searchParam"]:
            value = "2024" if parameter["type"] == "date" else "x"
            answer = filled_fhir.get(
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


def test_what_is_not_there_is_an_operation_outcome(filled_fhir):
    outcome(filled_fhir.get("/Observation/none"), 404, "not-found")
    outcome(filled_fhir.get("/Observation/a%00b"), 404, "not-found")
    outcome(filled_fhir.get("/Patient/%2e%2e%2fPatient"), 405, "not-supported")
    assert "Medication" in outcome(filled_fhir.get("/Medication"), 404, "not-supported")
    outcome(filled_fhir.get("/Medication/1"), 404, "not-supported")
    outcome(filled_fhir.post("/Medication/_search", data={}), 404, "not-supported")


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
def test_a_value_that_cannot_be_understood_is_refused_with_the_parameter_named(filled_fhir, query):
    answer = filled_fhir.get(f"/Observation?{query}")
    assert query.partition("=")[0].partition(":")[0] in outcome(answer, 400, "invalid")


def test_refusals_never_repeat_a_value_of_the_query(filled_fhir):
    answer = filled_fhir.get("/Patient", params={"birthdate": "3rd of February, Ann Doe"})
    assert "Ann" not in outcome(answer, 400, "invalid")


def test_an_unknown_parameter_is_refused_only_when_the_client_is_strict(filled_fhir):
    assert filled_fhir.get("/Observation?colour=blue").status_code == 200
    answer = filled_fhir.get("/Observation?colour=blue", headers={"Prefer": "handling=strict"})
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
def test_writing_is_not_offered(filled_fhir, method, path, allow):
    answer = filled_fhir.request(method, path)
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
def test_formats_that_cannot_be_given_are_refused(filled_fhir, accept):
    outcome(filled_fhir.get("/metadata", headers={"Accept": accept}), 406, "not-supported")


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
def test_formats_that_can_be_given_are(filled_fhir, accept):
    assert filled_fhir.get("/metadata", headers={"Accept": accept}).status_code == 200


def test_format_parameter_wins_over_accept(filled_fhir):
    xml = {"Accept": "application/fhir+xml"}
    assert filled_fhir.get("/metadata?_format=json", headers=xml).status_code == 200
    assert (
        filled_fhir.get("/metadata?_format=application/fhir%2Bjson", headers=xml).status_code == 200
    )
    outcome(filled_fhir.get("/metadata?_format=xml"), 406, "not-supported")


def test_a_search_by_post_is_a_form_of_bounded_size(filled_fhir):
    answer = filled_fhir.post("/Observation/_search", json={"code": "1"})
    outcome(answer, 415, "not-supported")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = filled_fhir.post(
        "/Observation/_search", content=b"code=" + b"x" * 300_000, headers=form
    )
    outcome(answer, 413, "too-long")


def test_a_database_that_is_away_is_told_as_an_operation_outcome(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'never-migrated.db'}")
    outcome(client_of(database).get("/Observation"), 503, "transient")
    database.close()
