"""A FHIR client on a database, and what it is asked, for tests of the FHIR server."""

from types import SimpleNamespace

from fastapi import FastAPI
from starlette.testclient import TestClient

from gateway.fhir.repository import put_all
from gateway.problems import add_handlers
from gateway.routers.fhir import router
from gateway.settings import Settings
from standards.fhir import no_result, resources
from tests import fhir_example as example
from tests.fhir_schema import schema_errors

NODULE = example.algorithm("nodule_ct")


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
