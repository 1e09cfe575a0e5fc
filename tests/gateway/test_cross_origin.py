"""CORS: who may read answers from a page of another origin, and that cookies never take part."""

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from adapters.memory import MemoryArchive
from gateway import services
from gateway.app import create_app
from gateway.settings import Settings
from tests.instances import instance

TOKEN = "a-token-for-tests"
VIEWER, OTHER = "https://viewer.example", "https://evil.example"
STUDIES = "/dicom-web/studies"
PREFLIGHT = {
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "authorization, range, if-none-match",
}


@pytest.fixture
def client_for(sqlite, tmp_path):
    def made(origins: str) -> TestClient:
        settings = Settings(data=tmp_path, archive="folder", token=TOKEN, cors_origins=origins)
        return TestClient(create_app(services.build(settings, MemoryArchive(), sqlite), TOKEN))

    return made


def preflight(client: TestClient, origin: str, **headers: str):
    return client.options(STUDIES, headers={"Origin": origin, **PREFLIGHT, **headers})


@pytest.mark.parametrize("origins", [VIEWER, f"http://a.example:8080, {VIEWER}"])
def test_sc_42_a_preflight_of_an_allowed_origin_needs_no_token(client_for, origins):
    """SC-42: it is answered apart from the request for capabilities."""
    answer = preflight(client_for(origins), VIEWER)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == VIEWER
    assert "wadl" not in answer.headers["content-type"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    for name in ("authorization", "content-type", "accept", "range", "if-none-match"):
        assert name in allowed
    assert "DELETE" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(("origins", "origin"), [("", VIEWER), (VIEWER, OTHER), (VIEWER, "null")])
def test_sc_42_no_other_origin_is_answered_without_a_token(client_for, origins, origin):
    """SC-42."""
    answer = preflight(client_for(origins), origin)
    assert answer.status_code == 401
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_may_read_the_headers_that_dicomweb_needs(client_for):
    client = client_for(VIEWER)
    headers = {"Origin": VIEWER, "Authorization": f"Bearer {TOKEN}"}
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + instance() + b"\r\n--b--\r\n"
    kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    assert client.post(STUDIES, content=body, headers=headers | kind).status_code == 200

    answer = client.get(f"{STUDIES}/1.2.826.0.1/metadata", headers=headers)
    assert answer.headers["access-control-allow-origin"] == VIEWER
    exposed = answer.headers["access-control-expose-headers"]
    for name in ("ETag", "Content-Location", "Warning", "Location"):
        assert name in exposed
    assert "Origin" in answer.headers["vary"]
    again = client.get(
        f"{STUDIES}/1.2.826.0.1/metadata",
        headers=headers | {"If-None-Match": answer.headers["etag"]},
    )
    assert (again.status_code, again.headers["access-control-allow-origin"]) == (304, VIEWER)


def test_refusals_can_be_read_too_and_tell_nothing_to_others(client_for):
    client = client_for(VIEWER)
    assert client.get(STUDIES, headers={"Origin": VIEWER}).status_code == 401
    told = client.get(STUDIES, headers={"Origin": VIEWER}).headers
    assert told["access-control-allow-origin"] == VIEWER
    headers = {"Origin": OTHER, "Authorization": f"Bearer {TOKEN}"}
    assert "access-control-allow-origin" not in client.get(STUDIES, headers=headers).headers


def test_every_origin_may_be_allowed_but_never_with_cookies(client_for):
    client = client_for("*")
    answer = preflight(client, OTHER, Cookie="airgate_session=x")
    assert answer.headers["access-control-allow-origin"] == "*"
    headers = {"Origin": OTHER, "Authorization": f"Bearer {TOKEN}", "Cookie": "a=b"}
    read = client.get(STUDIES, headers=headers)
    assert read.headers["access-control-allow-origin"] == "*"
    for one in (answer, read):
        assert "access-control-allow-credentials" not in one.headers


def test_without_the_setting_nothing_is_said_about_other_origins(client_for):
    headers = {"Origin": VIEWER, "Authorization": f"Bearer {TOKEN}"}
    answer = client_for("").get(STUDIES, headers=headers)
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "value", ["viewer.example", "https://a.example/", "https://*.example", "x"]
)
def test_what_is_no_origin_is_refused_at_start(value):
    with pytest.raises(ValidationError):
        Settings(cors_origins=value)
