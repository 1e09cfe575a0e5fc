"""Tokens beside the administrator's: what each role reaches, and when it ends."""

import pytest
from starlette.testclient import TestClient

from gateway.access import Access, Role
from gateway.app import create_app
from gateway.keeping import Part
from gateway.services import Services
from gateway.tokens import REMEMBERED_SECONDS, Credentials, Tokens, hashed
from tests.instances import instance

ADMINISTRATOR = "a-token-for-tests"
STUDIES = "/dicom-web/studies"


@pytest.fixture
def app(parts: Services):
    return create_app(parts, ADMINISTRATOR)


def client(app, token: str) -> TestClient:
    return TestClient(app, headers={"Authorization": f"Bearer {token}"}, follow_redirects=False)


def make(app, **order) -> str:
    answer = client(app, ADMINISTRATOR).post("/api/v1/tokens", json={"name": "one", **order})
    assert answer.status_code == 201, answer.text
    return answer.json()["token"]


def test_a_token_is_told_once_and_only_its_hash_is_kept(app, parts):
    token = make(app, role="user")

    (row,) = Tokens(parts.database).all()
    assert row.sha256 == hashed(token)
    (view,) = client(app, ADMINISTRATOR).get("/api/v1/tokens").json()
    assert view["name"] == "one"
    assert token not in str(view)
    assert row.sha256 not in str(view)


def test_a_user_works_with_studies_but_changes_neither_tokens_nor_models_nor_rules(app):
    user = client(app, make(app, role="user"))

    assert user.get(STUDIES).status_code == 200
    assert user.get("/api/v1/models").status_code == 200
    refused = [
        user.get("/api/v1/tokens"),
        user.post("/api/v1/tokens", json={"name": "two"}),
        user.post("/api/v1/models", json={}),
        user.post("/api/v1/models/lung_ct/1/retire"),
        user.put("/api/v1/rules/one", json={}),
        user.delete("/api/v1/rules/one"),
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert "role user" in refused[0].json()["detail"]


def test_sc_28_a_patient_reaches_the_studies_service_and_nothing_else(app, parts):
    """SC-28: all that is not bound to the patient is forbidden."""
    patient = client(app, make(app, role="patient", patient_id="P1"))

    assert patient.get(STUDIES).status_code == 200
    for path in ("/api/v1/studies", "/fhir/r4/Observation", "/air/studies/1.2/results", "/ui/"):
        assert patient.get(path).status_code == 403, path
    assert patient.get("/dicom-web/workitems/1.2.3").status_code == 403
    assert patient.post(STUDIES, content=b"").status_code == 403


def test_sc_28_pixel_data_and_metadata_of_another_patient_do_not_exist(app, parts):
    """SC-28, and the retrieval side of it: neither headers nor pixels of anybody else."""
    own, other = instance(study="1.2.1"), instance(study="1.2.2", PatientID="P2")
    outcome = parts.ingest.receive([Part(own), Part(other)])
    assert not outcome.result.failed
    patient = client(app, make(app, role="patient", patient_id="P1"))

    for uid, status in (("1.2.1", 200), ("1.2.2", 404)):
        study = f"{STUDIES}/{uid}"
        series = f"{study}/series/{uid}.1"
        image = f"{series}/instances/{uid}.1.1"
        paths = [study, series, image, f"{study}/metadata", f"{image}/metadata"]
        answers = [patient.get(path).status_code for path in paths]
        assert answers == [status] * len(paths)


def test_a_token_ends_when_it_expires_and_when_it_is_revoked(parts):
    tokens = Tokens(parts.database)
    now = [0.0]
    credentials = Credentials(ADMINISTRATOR, tokens, clock=lambda: now[0])
    _, expired = tokens.make("old", Role.USER, None, expires_at=1.0)
    _, good = tokens.make("good", Role.USER, None, expires_at=None)

    assert credentials.access(credentials.subject_of(expired)) is None
    subject = credentials.subject_of(good)
    assert credentials.access(subject) == Access("good", Role.USER)
    tokens.revoke("good")
    now[0] += REMEMBERED_SECONDS
    assert credentials.access(subject) is None


def test_a_browser_session_has_the_role_of_its_token(app):
    token = make(app, role="user")
    browser = TestClient(app, base_url="http://gateway.test", follow_redirects=False)
    assert browser.post("/ui/login", data={"token": token}).status_code == 303

    assert browser.get(STUDIES).status_code == 200
    assert browser.get("/api/v1/tokens").status_code == 403


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ({"role": "patient"}, "patient_id goes with the role"),
        ({"role": "user", "patient_id": "P1"}, "patient_id goes with the role"),
        ({"role": "king"}, "role"),
        ({"name": ""}, "name"),
        ({"expires_in_seconds": 0}, "expires_in_seconds"),
    ],
)
def test_orders_that_make_no_sense_are_refused_with_the_reason(app, order, told):
    answer = client(app, ADMINISTRATOR).post("/api/v1/tokens", json={"name": "one", **order})
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


def test_a_name_is_given_once_and_revoking_what_is_not_there_is_told(app):
    make(app, role="user")
    administrator = client(app, ADMINISTRATOR)

    assert administrator.post("/api/v1/tokens", json={"name": "one"}).status_code == 409
    assert administrator.delete("/api/v1/tokens/one").status_code == 204
    assert administrator.delete("/api/v1/tokens/one").status_code == 404
