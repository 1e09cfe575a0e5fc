"""Whatever stands in a path or query: an answer that blames the request, never the server."""

import pytest
from fastapi.testclient import TestClient

from adapters.memory import MemoryArchive
from gateway import services
from gateway.app import create_app
from gateway.capabilities.transactions import PREFIX, TRANSACTIONS
from gateway.settings import Settings
from gateway.store.migrate import migrate

TOKEN = "a-token-for-tests"
HOSTILE = [
    "%00",
    "1.2%00.3",
    "%ff%fe",
    "%ed%a0%80",
    "..%2f..%2fetc%2fpasswd",
    "..",
    "1" * 300,
    "1" * 15_000,
    "1.2.3'%20OR%201=1--",
    "%F0%9F%92%80",
    "%0d%0aX-Header:%201",
    "{study}",
    "-1",
    "%2e%2e",
]
PATHS = sorted({path.replace(":path", "") for _, path in TRANSACTIONS})
NAMES = ("{study}", "{series}", "{instance}", "{frames}", "{path}", "{workitem_uid}", "{aetitle}")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def client(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    url = f"sqlite:///{folder / 'a.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").new_database()
    settings = Settings(data=folder, archive="folder", token=TOKEN, database_url=url)
    database = services.open_database(settings)
    migrate(database)
    parts = services.build(settings, MemoryArchive(), database)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    yield TestClient(create_app(parts, TOKEN), headers=headers, raise_server_exceptions=False)
    database.close()


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: value[:20])
def test_hostile_uids_are_400_or_404_on_every_resource_and_method(client, value):
    for path in PATHS:
        url = PREFIX + path
        for name in NAMES:
            url = url.replace(name, value)
        for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
            status = client.request(method, url).status_code
            fine = {200} if method == "OPTIONS" or _is_search(path) else set()
            if value in ("..", "%2e%2e"):  # a client walks up before it asks
                fine |= {200}
            if path.startswith("/subscribers/"):  # a WebSocket, and most of them are AE Titles
                fine |= {426}
            assert status in {400, 404, 405} | fine, (method, url[:200], status)


def _is_search(path: str) -> bool:
    """It finds nothing, which is no fault."""
    known = TRANSACTIONS.get(("GET", path))
    return known is not None and known.kind == "Search"


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: value[:20])
def test_hostile_values_elsewhere_are_no_fault_of_the_server(client, value):
    for url in (
        f"/air/studies/{value}/results",
        f"/api/v1/studies/{value}",
        f"/api/v1/workitems?state={value}",
        f"/dicom-web/studies?PatientID={value}",
        f"/dicom-web/studies/1.2.3/rendered?viewport={value}",
        f"/dicom-web/studies/1.2.3?accept={value}",
    ):
        assert client.get(url).status_code < 500, url[:200]
