"""OPTIONS of the DICOMweb services: exactly what is implemented, as the router has it (SC-42)."""

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from starlette.routing import Route

from gateway.app import ROUTERS, create_app
from gateway.capabilities.statuses import RETRIEVE, SEARCH, STORE
from gateway.capabilities.transactions import PREFIX, TRANSACTIONS, methods_of
from gateway.keeping import Part
from gateway.web_errors import DicomWebError
from tests.gateway.retrieve_example import FILES, SERIES, STUDY, UIDS

TOKEN = "a-token-for-tests"
NAMES = {"w": "http://wadl.dev.java.net/2009/02"}
WADL = "application/vnd.sun.wadl+xml"
NAMED = {
    "{study}": STUDY,
    "{series}": SERIES,
    "{instance}": UIDS["explicit"],
    "{frames}": "1",
    "{path}": "7FE00010",
    "{workitem_uid}": "1.2.3",
    "{aetitle}": "WATCHER",
}


NOT_200 = {"/workitems/{workitem_uid}": 404, "/subscribers/{aetitle}": 426}
REFUSE_NOTHING = {  # a data set without a value that is needed, or another target
    "/workitems",
    "/workitems/{workitem_uid}/state",
    "/workitems/{workitem_uid}/subscribers/{aetitle}/suspend",
}


@pytest.fixture
def client(parts) -> TestClient:
    parts.ingest.receive([Part(FILES["explicit"])])
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return TestClient(create_app(parts, TOKEN), headers=headers)


def routes() -> set[tuple[str, str]]:
    """What the routers answer below /dicom-web."""
    return {
        (method, route.path.removeprefix(PREFIX))
        for module in ROUTERS
        for route in module.router.routes
        if isinstance(route, Route) and route.path.startswith(f"{PREFIX}/")
        for method in route.methods or ()
        if method != "OPTIONS"
    }


def described(document: bytes) -> Iterator[tuple[str, str]]:
    """Method and path of everything in a WADL document."""
    root = ElementTree.fromstring(document)  # noqa: S314 (our own)
    (resources,) = root.findall("w:resources", NAMES)
    yield from _below(resources, "")


def _below(element: ElementTree.Element, path: str) -> Iterator[tuple[str, str]]:
    for resource in element.findall("w:resource", NAMES):
        own = f"{path}/{resource.get('path')}"
        for method in resource.findall("w:method", NAMES):
            yield method.get("name", ""), own
        yield from _below(resource, own)


def test_sc_42_the_table_holds_exactly_the_routes_of_the_application():
    """SC-42."""
    assert set(TRANSACTIONS) == routes()


@pytest.mark.parametrize("url", ["/", "/dicom-web", "/dicom-web/"])
def test_sc_42_options_of_the_services_lists_every_resource_and_no_other(client, url):
    """SC-42."""
    answer = client.options(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == WADL
    told = list(described(answer.content))
    assert len(told) == len(set(told))
    assert {(m, p.replace("{path}", "{path:path}")) for m, p in told} == set(TRANSACTIONS)


def test_sc_42_every_resource_that_is_listed_answers_and_describes_itself(client):
    """SC-42: each one is called."""
    for method, template in described(client.options("/").content):
        url = PREFIX + template
        for name, value in NAMED.items():
            url = url.replace(name, value)
        if method == "GET":
            answer = client.get(url)
            assert answer.status_code == NOT_200.get(template, 200), (url, answer.text)
        else:
            # Neither deletes nor stores: it only has to be there.
            answer = client.request(method, url.replace(STUDY, "1.2.3"), content=b"")
            expected = (400,) if template in REFUSE_NOTHING else (404, 415)
            assert answer.status_code in expected, (method, url, answer.text)
        own = client.options(url)
        assert own.status_code == 200
        assert method in own.headers["allow"].split(", ")
        assert (method, template) in set(described(own.content))


def test_a_resource_tells_of_itself_and_of_what_is_below_it(client):
    told = set(described(client.options(f"/dicom-web/studies/{STUDY}/series/{SERIES}").content))
    assert ("GET", "/studies/{study}/series/{series}/metadata") in told
    assert all(path.startswith("/studies/{study}/series/{series}") for _, path in told)


def test_methods_tell_media_types_parameters_and_statuses(client):
    root = ElementTree.fromstring(client.options("/").content)  # noqa: S314
    methods = {one.get("id"): one for one in root.iter(f"{{{NAMES['w']}}}method")}
    search = methods["SearchforStudies"]
    names = {one.get("name") for one in search.findall("w:request/w:param", NAMES)}
    assert {"Accept", "includefield", "fuzzymatching", "limit", "offset"} <= names
    store = methods["StoreInstances"].findall("w:request/w:representation", NAMES)
    assert 'multipart/related; type="application/dicom"' in {one.get("mediaType") for one in store}
    instance = methods["RetrieveInstance"]
    given = instance.findall("w:response[@status='200']/w:representation", NAMES)
    assert "application/dicom" in {one.get("mediaType") for one in given}
    statuses = {one.get("status") for one in instance.findall("w:response", NAMES)}
    assert {"200", "206", "304", "404", "406", "410", "416"} <= statuses


def test_the_base_follows_the_proxy(client):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "h", "X-Forwarded-Prefix": "/p"}
    root = ElementTree.fromstring(client.options("/", headers=headers).content)  # noqa: S314
    (resources,) = root.findall("w:resources", NAMES)
    assert resources.get("base") == "https://h/p/dicom-web/"


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("", WADL),
        ("*/*", WADL),
        ("application/xml", "application/xml"),
        ("application/json", "application/json"),
        ("application/json;q=0.5, application/vnd.sun.wadl+xml", WADL),
    ],
)
def test_the_form_is_negotiated(client, accept, given):
    answer = client.options("/", headers={"Accept": accept})
    assert answer.headers["content-type"] == given
    if given == "application/json":
        told = {
            (method, f"/{one['path']}")
            for one in answer.json()["resources"]
            for method in one["methods"]
        }
        assert told == {(m, p.replace(":path", "")) for m, p in TRANSACTIONS}
    assert client.options("/", headers={"Accept": "image/png"}).status_code == 406


def test_sc_42_without_a_token_nothing_is_told(client):
    """SC-42."""
    for url in ("/", "/dicom-web/", f"/dicom-web/studies/{STUDY}"):
        answer = client.options(url, headers={"Authorization": ""})
        assert answer.status_code == 401
        assert "www-authenticate" in answer.headers


def test_what_does_not_exist_has_no_options(client):
    for url in ("/dicom-web/nothing", f"/dicom-web/studies/{STUDY}/nothing"):
        assert client.options(url).status_code == 404
        assert client.get(url).status_code == 404


def test_a_method_that_a_resource_lacks_is_405_with_those_that_it_has(client):
    for path in dict.fromkeys(path for _, path in TRANSACTIONS):
        url = PREFIX + path.replace(":path", "")
        for name, value in NAMED.items():
            url = url.replace(name, value)
        answer = client.patch(url)
        assert (answer.status_code, answer.headers["allow"]) == (405, ", ".join(methods_of(path)))


def test_the_openapi_document_says_the_same(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    for (method, path), transaction in TRANSACTIONS.items():
        operation = paths[(PREFIX + path).replace(":path", "")][method.lower()]
        assert operation["summary"] == transaction.name
        assert set(operation["responses"]) == {str(one) for one in transaction.statuses}
        if transaction.request:
            assert set(operation["requestBody"]["content"]) == set(transaction.request)
    assert client.get("/api/docs").status_code == 200


def test_every_refusal_of_the_services_has_a_status_that_is_documented():
    documented = {*RETRIEVE, *SEARCH, *STORE}
    refusals = list(_below_class(DicomWebError))
    assert len(refusals) > 10
    for refusal in refusals:
        assert refusal.status in documented, refusal


def _below_class(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from _below_class(one)
