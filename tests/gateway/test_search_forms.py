"""JSON, XML, nothing: the forms of an answer, and whose studies it holds (PS3.18 10.6.3)."""

import xml.etree.ElementTree as ET
from email import message_from_bytes

import pytest

from gateway.access import Access, Role
from tests.gateway.index_helper import Gateway
from tests.gateway.search_example import CHEST, CLIENT, HEAD, OLD, files, get, searchable

XML = 'multipart/related; type="application/dicom+xml"'
MODEL = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"


def test_nothing_found_is_an_empty_list(search_root):
    """SC-17, as PS3.18 has it since 2026."""
    response = get(search_root, "/studies?PatientID=nobody")

    assert (response.status_code, response.json()) == (200, [])
    assert response.headers["content-type"] == "application/dicom+json"


def test_nothing_found_is_no_content_when_configured_so(tmp_path, database_url):
    """SC-17, as PS3.18 had it before."""
    with searchable(tmp_path, database_url=database_url, empty_search="204") as root:
        nothing = get(root, "/studies?PatientID=nobody")
        without_page = get(root, "/studies?limit=0")
        something = get(root, "/studies?PatientID=P-1")

    assert (nothing.status_code, nothing.content) == (204, b"")
    assert without_page.status_code == 204
    assert "There are 4 additional" in without_page.headers["warning"]
    assert something.status_code == 200


def parts_of(response) -> list[tuple[str, ET.Element]]:
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + response.content)
    return [
        (part.get_content_type(), ET.fromstring(part.get_payload(decode=True)))  # noqa: S314
        for part in message.get_payload()
    ]


@pytest.mark.parametrize(
    "accept",
    [
        XML,
        "multipart/related; type=application/dicom+xml",
        f"image/png, {XML}; q=0.5",
        f"application/dicom+json; q=0.1, {XML}",
    ],
)
def test_xml_has_one_part_for_each_result(search_root, accept):
    """SC-25."""
    response = get(search_root, "/studies?PatientID=P*", accept)

    assert response.headers["content-type"].startswith(f"{XML}; boundary=")
    parts = parts_of(response)
    assert [kind for kind, _ in parts] == ["application/dicom+xml"] * 2
    uids = [
        model.find(f"{MODEL}DicomAttribute[@tag='0020000D']/{MODEL}Value").text
        for _, model in parts
    ]
    assert uids == [HEAD, CHEST]


def test_xml_and_json_say_the_same(search_root):
    """SC-25: the same attributes in both."""
    path = "/series?includefield=all"
    in_json = get(search_root, path).json()
    in_xml = parts_of(get(search_root, path, XML))

    assert [sorted(result) for result in in_json] == [
        sorted(attribute.get("tag") for attribute in model) for _, model in in_xml
    ]


def test_xml_of_nothing_has_no_part(search_root):
    response = get(search_root, "/studies?PatientID=nobody", XML)

    assert response.status_code == 200
    assert b"NativeDicomModel" not in response.content


@pytest.mark.parametrize("accept", ["image/png", "application/dicom+xml", "text/html;q=1, a/b;q=0"])
def test_a_type_that_is_not_offered_is_refused(search_root, accept):
    """SC-25: 406, which names what is offered."""
    response = get(search_root, "/studies", accept)

    assert response.status_code == 406
    assert "application/dicom+json" in response.json()["detail"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/dicom+json"),
        ("", "application/dicom+json"),
        ("application/*", "application/dicom+json"),
        ("application/json", "application/json"),
        ("application/json; q=0.5, application/dicom+json", "application/dicom+json"),
        ("APPLICATION/DICOM+JSON", "application/dicom+json"),
    ],
)
def test_json_comes_as_the_type_that_is_wanted(search_root, accept, expected):
    assert get(search_root, "/studies", accept).headers["content-type"] == expected


def test_the_accept_parameter_wins_over_the_header(search_root):
    by_parameter = get(search_root, "/studies?accept=application/json", "image/png")
    as_xml = get(search_root, "/studies?accept=multipart/related;type=application/dicom%2Bxml")

    assert by_parameter.headers["content-type"] == "application/json"
    assert as_xml.headers["content-type"].startswith(XML)


RESOURCES = (
    "/studies",
    "/series",
    "/instances",
    f"/studies/{CHEST}/series",
    f"/studies/{CHEST}/instances",
    f"/studies/{CHEST}/series/{CHEST}.1/instances",
)


class AsPatient:
    """ASGI: a request bears a token that is bound to the patient of its header `Patient`."""

    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        patient = dict(scope["headers"])[b"patient"].decode()
        access = Access("a patient", Role.PATIENT, patient)
        scope.setdefault("state", {})["access"] = access
        await self.app(scope, receive, send)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def patients_root(request, tmp_path_factory):
    is_sqlite = request.param == "sqlite"
    url = None if is_sqlite else request.getfixturevalue("postgresql").new_database()
    gateway = Gateway(tmp_path_factory.mktemp("patients"), url)
    gateway.store(*files())
    gateway.app.add_middleware(AsPatient)
    with gateway.serving() as root:
        yield root
    gateway.close()


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize(
    ("patient", "seen"), [("P-1", {CHEST}), ("P-2", {HEAD}), ("p-1", {OLD}), ("P*", set())]
)
@pytest.mark.parametrize(
    "query", ["", "PatientID=*", f"PatientName=*&StudyInstanceUID={CHEST},{HEAD},{OLD}"]
)
def test_a_patient_sees_only_the_studies_of_that_patient(
    patients_root, resource, patient, seen, query
):
    """SC-28, on all six resources."""
    url = f"{patients_root}/dicom-web{resource}?includefield=0020000D&{query}"
    results = CLIENT.get(url, headers={"Patient": patient}).json()

    expected = seen if CHEST not in resource else seen & {CHEST}
    assert {each["0020000D"]["Value"][0] for each in results} == expected


@pytest.mark.parametrize("resource", ["/studies", "/series", "/instances"])
def test_a_patient_learns_nothing_by_asking_for_another(patients_root, resource):
    """SC-28: not even a count."""
    url = f"{patients_root}/dicom-web{resource}?limit=0&PatientID=P-2"
    reply = CLIENT.get(url, headers={"Patient": "P-1"})

    assert reply.json() == []
    assert "warning" not in reply.headers


def test_without_a_patient_everything_is_seen(search_root):
    """SC-28, the other side."""
    assert len(CLIENT.get(f"{search_root}/dicom-web/studies").json()) == 4
