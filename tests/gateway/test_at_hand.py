"""What is at hand is answered without the router, and just as the router would."""

import httpx
import pytest
from starlette.testclient import TestClient

from gateway.access import Role
from gateway.app import create_app
from gateway.keeping import Part
from gateway.tokens import Tokens
from tests.gateway.index_helper import Gateway
from tests.gateway.retrieve_example import (
    CLIENT,
    DICOM,
    FILES,
    OCTETS,
    PIXELS,
    STUDY,
    get,
    instance_url,
    parts_of,
)

STORED = f"{OCTETS}; transfer-syntax=*"
VARIES = {"content-type", "date", "transfer-encoding"}  # a boundary is drawn anew each time


@pytest.fixture
def no_router(monkeypatch):
    """Called, it makes every answer that passes the router an error."""

    def unreachable(*_: object, **__: object) -> None:
        raise AssertionError("this was to be answered without the router")

    def close() -> None:
        for name in ("frames_of", "instances"):
            monkeypatch.setattr(f"gateway.routers.retrieve.{name}", unreachable)

    return close


def _same(one: httpx.Response, other: httpx.Response) -> None:
    told = [{k: v for k, v in each.headers.items() if k not in VARIES} for each in (one, other)]
    told[0].setdefault("content-length", told[1]["content-length"])
    assert told[0] == told[1]
    assert other.headers["content-length"] == str(len(other.content))
    if one.headers["content-type"].startswith("multipart/"):
        assert parts_of(one) == parts_of(other)
        types = [each.headers["content-type"].partition("; boundary")[0] for each in (one, other)]
        assert types[0] == types[1]
    else:
        assert one.content == other.content
        assert one.headers["content-type"] == other.headers["content-type"]


DIRECT = [
    "explicit",
    "implicit",
    "rle",
    "jpegls",
    "multi",
    "multi_rle",
    "planes_rle",
    "undecodable",
]


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/frames/1", STORED),
        ("/frames/1", "application/octet-stream; transfer-syntax=*"),
        ("", f"{DICOM}; transfer-syntax=*"),
        ("", "application/dicom; transfer-syntax=*"),
    ],
)
@pytest.mark.parametrize("name", DIRECT)
def test_what_is_at_hand_is_answered_as_by_the_router(
    root, no_router, monkeypatch, name, path, accept
):
    async def nothing(*_: object, **__: object) -> None:
        return None

    url = instance_url(root, name) + path
    get(f"{instance_url(root, name)}/frames/1", STORED)
    with monkeypatch.context() as patched:
        patched.setattr("gateway.at_hand._given", nothing)
        routed = get(url, accept)
    no_router()

    _same(routed, get(url, accept))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"If-None-Match": "*"}, 304),
        ({"Range": "bytes=0-9"}, 206),
    ],
)
def test_conditions_and_ranges_are_obeyed_of_what_is_at_hand(root, headers, status):
    url = instance_url(root, "explicit")
    for _ in range(2):
        get(f"{url}/frames/1", STORED)
        answer = CLIENT.get(url, headers={"Accept": "application/dicom", **headers})
        assert answer.status_code == status


def test_a_head_of_what_is_at_hand_has_no_body(root):
    url = f"{instance_url(root, 'explicit')}/frames/1"
    whole = get(url, STORED)
    head = CLIENT.head(url, headers={"Accept": STORED})

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize(
    ("name", "path", "accept", "status"),
    [
        ("explicit", "/frames/2", STORED, 404),
        ("explicit", "/frames/0", STORED, 404),
        ("explicit", "/frames/1", "image/png", 406),
        ("explicit", "/frames/1", "image/dicom-rle", 200),
        ("rle", "/frames/1", OCTETS, 200),
        ("bits", "/frames/1", STORED, 200),
        ("deflated", "/frames/1", STORED, 200),
        ("big_endian", "/frames/1", STORED, 200),
        ("report", "/frames/1", STORED, 404),
        ("explicit", "", "image/png", 406),
        ("explicit", "", "application/dicom; transfer-syntax=1.2.840.10008.1.2.5", 200),
    ],
)
def test_what_must_be_made_or_refused_takes_the_usual_way(root, name, path, accept, status):
    for _ in range(3):
        assert get(instance_url(root, name) + path, accept).status_code == status


def test_both_databases_are_asked_at_each_request(tmp_path, database_url, no_router):
    gateway = Gateway(tmp_path, database_url)
    gateway.store(*FILES.values())
    with gateway.serving() as root:
        url = f"{instance_url(f'{root}/dicom-web', 'multi')}/frames/3"
        get(url, STORED)
        no_router()
        ((_, body),) = parts_of(get(url, STORED))
        assert body == PIXELS[2].tobytes()
        elsewhere = url.replace(f"studies/{STUDY}/", "studies/1.2.3/")
        assert get(elsewhere, STORED).status_code == 500  # it would be 404: see no_router
    gateway.close()


def test_a_locked_database_costs_time_and_not_the_answer(tmp_path):
    """SQLite lets read while somebody writes; a look-up that fails all the same is done again."""
    gateway = Gateway(tmp_path)
    gateway.store(*FILES.values())
    with gateway.serving() as root:
        url = f"{instance_url(f'{root}/dicom-web', 'multi')}/frames/3"
        get(url, STORED)
        with gateway.database.write():
            assert get(url, STORED).status_code == 200
        quick = gateway.app.state.retrieval.quick_rows
        quick._opened().execute("PRAGMA busy_timeout=0")
        quick._statements.clear()
        quick._statements[False] = ("SELECT nothing FROM nowhere", ())
        assert get(url, STORED).status_code == 200
    gateway.close()


def test_one_patients_token_gets_nothing_of_another_patient_that_is_at_hand(parts):
    assert not parts.ingest.receive([Part(FILES["explicit"])]).result.failed
    tokens = Tokens(parts.database)
    own = tokens.make("own", Role.PATIENT, "P", None)[1]
    other = tokens.make("other", Role.PATIENT, "Q", None)[1]
    client = TestClient(create_app(parts, "a-token-for-tests"))
    path = instance_url("/dicom-web", "explicit")

    def status(token: str, below: str, accept: str) -> int:
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        return client.get(path + below, headers=headers).status_code

    for below, accept in (("/frames/1", STORED), ("", f"{DICOM}; transfer-syntax=*")):
        for _ in range(2):
            assert status("a-token-for-tests", below, accept) == 200
            assert status(own, below, accept) == 200
            assert status(other, below, accept) == 404
            assert status("wrong", below, accept) == 401
