"""The root of every link that is handed out: behind proxies, and whatever a stranger says it is."""

import http.client
import json
import re

import pytest
from fastapi.testclient import TestClient

from adapters.memory import MemoryArchive
from gateway import services
from gateway.app import create_app
from gateway.keeping import Part
from gateway.settings import Settings
from tests.gateway.retrieve_example import FILES, SERIES, STUDY, UIDS, parts_of
from tests.instances import instance

TOKEN = "a-token-for-tests"
SERIES_URL = f"/dicom-web/studies/{STUDY}/series/{SERIES}"
IMAGE = f"{SERIES_URL}/instances/{UIDS['explicit']}"
PROXIES = [
    (
        {
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "pacs.example:8443",
            "X-Forwarded-Prefix": "/ai/v1",
        },
        "https://pacs.example:8443/ai/v1",
    ),
    (
        {"Forwarded": 'for=10.0.0.1;host="pacs.example";proto=https', "X-Forwarded-Prefix": "/ai"},
        "https://pacs.example/ai",
    ),
    ({"X-Forwarded-Host": "outer.example, inner"}, "http://outer.example"),
    ({"X-Forwarded-Host": "[2001:db8::1]:8080"}, "http://[2001:db8::1]:8080"),
    ({}, "http://testserver"),
]


@pytest.fixture
def client_for(sqlite, tmp_path):
    def made(**settings: str) -> TestClient:
        chosen = Settings(data=tmp_path, archive="folder", token=TOKEN, **settings)
        parts = services.build(chosen, MemoryArchive(), sqlite)
        assert not parts.ingest.receive([Part(FILES["explicit"])]).result.failed
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return TestClient(create_app(parts, TOKEN), headers=headers)

    return made


def links_of(client: TestClient, headers: dict[str, str]) -> dict[str, str]:
    """One link of every kind that the services hand out."""

    def get(path: str, accept: str):
        return client.get(path, headers=headers | {"Accept": accept})

    ((study),) = get("/dicom-web/studies", "application/dicom+json").json()
    ((header),) = get(f"{IMAGE}/metadata", "application/dicom+json").json()
    xml = get(f"{IMAGE}/metadata", 'multipart/related; type="application/dicom+xml"').text
    files = parts_of(get(SERIES_URL, 'multipart/related; type="application/dicom"'))
    value = f"{IMAGE}/bulkdata/54000100/0/54001010"
    values = parts_of(get(value, "multipart/related; type=application/octet-stream"))
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + instance() + b"\r\n--b--\r\n"
    kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    stored = client.post("/dicom-web/studies", content=body, headers=headers | kind).json()
    return {
        "RetrieveURL of a search": study["00081190"]["Value"][0],
        "BulkDataURI in JSON": header["7FE00010"]["BulkDataURI"],
        "BulkDataURI in a sequence": header["54000100"]["Value"][0]["54001010"]["BulkDataURI"],
        "BulkDataURI in XML": re.findall('<BulkData uri="([^"]+)"', xml)[-1],
        "Content-Location of an instance": files[0][0]["Content-Location"],
        "Content-Location of a value": values[0][0]["Content-Location"],
        "RetrieveURL of what was stored": stored["00081199"]["Value"][0]["00081190"]["Value"][0],
        "RetrieveURL of its study": stored["00081190"]["Value"][0],
    }


@pytest.mark.parametrize(("headers", "root"), PROXIES)
def test_every_link_leads_through_the_proxy_and_arrives(client_for, headers, root):
    client = client_for()
    for kind, link in links_of(client, headers).items():
        assert link.startswith(f"{root}/dicom-web/studies/"), kind
        inside = link.removeprefix(root)  # what a proxy hands on
        assert client.get(inside, headers={"Accept": "*/*"}).status_code == 200, kind


def test_a_public_url_of_the_settings_wins(client_for):
    client = client_for(public_url="https://pacs.example/ai/")
    for link in links_of(client, {"X-Forwarded-Host": "evil.example"}).values():
        assert link.startswith("https://pacs.example/ai/dicom-web/")
    vary = client.get("/dicom-web/studies").headers["vary"].lower()
    assert "forwarded" not in vary


def test_answers_with_different_links_are_never_mistaken_for_each_other(client_for):
    """What a stranger says of himself changes his own answer, and no cache gives it to others."""
    client = client_for()
    url = f"{IMAGE}/metadata"
    evil = client.get(url, headers={"X-Forwarded-Host": "evil.example"})
    good = client.get(url)
    assert b"evil.example" in evil.content
    assert b"evil.example" not in good.content
    for answer in (evil, good):
        assert answer.headers["cache-control"] == "private, no-cache"
        for name in ("Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix"):
            assert name in answer.headers["vary"]
    crossed = client.get(url, headers={"If-None-Match": evil.headers["etag"]})
    assert crossed.status_code == 200
    assert b"evil.example" not in crossed.content


HOSTILE = [
    {"X-Forwarded-Host": 'evil"><script>alert(1)</script>'},
    {"X-Forwarded-Host": 'x","BulkDataURI":"http://evil'},
    {"X-Forwarded-Host": "evil.example/path"},
    {"X-Forwarded-Host": "user:password@evil.example"},
    {"X-Forwarded-Host": "a" * 300},
    {"X-Forwarded-Host": "evil.example:999999"},
    {"X-Forwarded-Proto": "javascript"},
    {"X-Forwarded-Prefix": "//evil.example"},
    {"X-Forwarded-Prefix": '/a"b'},
    {"X-Forwarded-Prefix": "/a\\b"},
    {"X-Forwarded-Prefix": "/a?b=c"},
    {"X-Forwarded-Prefix": "/" + "a" * 5000},
    {"X-Forwarded-Prefix": "/a%0d%0ab"},
    {"Forwarded": 'host="evil'},
    {"Forwarded": "host=<script>;proto=data"},
    {"Forwarded": "host" * 2000},
    {"Forwarded": '="=";,,;=host=;host'},
]


@pytest.mark.parametrize("headers", HOSTILE, ids=lambda headers: str(headers)[:60])
def test_what_no_host_or_path_can_be_is_passed_over(client_for, headers):
    client = client_for()
    for kind, link in links_of(client, headers).items():
        assert link.startswith("http://testserver/dicom-web/"), kind


@pytest.mark.parametrize("host", ['a"b', "a<b", "x" * 300, "", "a b", "a/b", "\xe4\xf6"])
def test_a_hostile_host_header_never_breaks_out_of_a_link(gateway, root, host):
    """Over a real socket: test clients do not send such a header."""
    address = root.removeprefix("http://").removesuffix("/dicom-web")
    connection = http.client.HTTPConnection(address, timeout=30)
    path = IMAGE.removeprefix("/dicom-web")
    connection.putrequest("GET", f"/dicom-web{path}/metadata", skip_host=True)
    connection.putheader("Host", host.encode("latin-1"))
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status in (200, 400)
    if answer.status == 200:
        (header,) = json.loads(body)
        assert header["7FE00010"]["BulkDataURI"].startswith("http://127.0.0.1:")
