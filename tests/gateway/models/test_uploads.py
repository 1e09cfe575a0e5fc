"""Registering by upload over HTTP: forms, digests, limits; where artefacts lie, and until when."""

import base64
import hashlib
import json
import os
import textwrap
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from adapters.errors import ArtefactsUnavailable
from adapters.memory import MemoryArchive
from gateway import services
from gateway.chores import clean_up, tidy
from gateway.models.artefacts import KEPT_SECONDS
from gateway.services import Services, artefacts_of
from gateway.settings import Settings
from gateway.store.tables import ModelRow
from tests.gateway.models.archives import CARD_TOML, tarred, zipped
from tests.gateway.models.example import TOKEN

MODELS = "/api/v1/models"
ZIP = zipped(("card.toml", CARD_TOML), ("weights.bin", b"w" * 100))
TAR = tarred(("card.toml", textwrap.dedent(CARD_TOML).encode()), ("weights.bin", b"w" * 100))
CARD = tomllib.loads(textwrap.dedent(CARD_TOML))


@pytest.fixture
def house(sqlite, tmp_path) -> Services:
    store = str(tmp_path / "shared")
    settings = Settings(
        data=tmp_path / "one", archive="folder", token=TOKEN, artefacts=store, maximum_artefact_mb=1
    )
    return services.build(settings, MemoryArchive(), sqlite)


def post(client: TestClient, content: bytes, kind: str = "application/zip", path="", **headers):
    return client.post(MODELS + path, content=content, headers={"Content-Type": kind, **headers})


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def digest(content: bytes, algorithm: str = "sha256") -> str:
    return base64.b64encode(hashlib.new(algorithm, content).digest()).decode()


@pytest.mark.parametrize(
    ("content", "kind"), [(ZIP, "application/zip"), (TAR, "application/gzip")], ids=["zip", "tar"]
)
def test_an_archive_is_kept_by_its_digest_and_laid_out(client, tmp_path, content, kind):
    reply = post(client, content, kind)
    assert reply.status_code == 201, reply.text
    sha256 = hashlib.sha256(content).hexdigest()
    assert (reply.json()["artefact"], reply.json()["digest"]) == (sha256, sha256)
    assert (tmp_path / "shared" / sha256).read_bytes() == content
    assert files_below(tmp_path / "one" / "models") == {
        f"{sha256}/card.toml",
        f"{sha256}/weights.bin",
    }
    assert files_below(tmp_path / "one" / "spool") == set()


def test_a_file_and_its_card_are_a_model_and_the_build_is_both(client, tmp_path):
    def register(card: dict, name: str = "net.pt") -> dict:
        form = {"card": json.dumps(card)}
        reply = client.post(MODELS, data=form, files={"file": (name, ZIP)})
        assert reply.status_code == 201, reply.text
        return reply.json()

    first = register(CARD)
    second = register(CARD | {"version": "2", "title": "Other"})
    assert first["artefact"] == second["artefact"] == hashlib.sha256(ZIP).hexdigest()
    assert first["digest"] != second["digest"] != second["artefact"]
    assert files_below(tmp_path / "one" / "models") == {f"{first['artefact']}-net.pt/net.pt"}

    unpacked = register(CARD | {"version": "3"}, "bundle.zip")
    assert f"{unpacked['artefact']}/weights.bin" in files_below(tmp_path / "one" / "models")


def test_digests_that_fit_are_accepted_in_every_way_they_are_told(client):
    told = {
        "Content-Digest": f"md5=:{digest(ZIP, 'md5')}:, sha-256=:{digest(ZIP)}:",
        "Repr-Digest": f"sha-512=:{digest(ZIP, 'sha512')}:",
    }
    sha256 = hashlib.sha256(ZIP).hexdigest().upper()
    assert post(client, ZIP, path=f"?sha256={sha256}", **told).status_code == 201


@pytest.mark.parametrize(
    ("path", "headers", "status", "told"),
    [
        ("", {"Content-Digest": f"sha-256=:{digest(b'other')}:"}, 422, "what came has sha-256=:"),
        ("", {"Repr-Digest": f"sha-512=:{digest(b'x', 'sha512')}:"}, 422, "repr-digest tells"),
        ("?sha256=" + "0" * 64, {}, 422, hashlib.sha256(ZIP).hexdigest()),
        ("", {"Content-Digest": f"md5=:{digest(ZIP, 'md5')}:"}, 422, "send sha-256 or sha-512"),
        ("", {"Content-Digest": "sha-256=abc"}, 400, "in base64"),
        ("", {"Content-Digest": "sha-256=:a:"}, 400, "in base64"),
    ],
)
def test_a_digest_that_does_not_fit_registers_nothing(
    client, tmp_path, path, headers, status, told
):
    reply = post(client, ZIP, path=path, **headers)
    assert (reply.status_code, told in reply.json()["detail"]) == (status, True), reply.text
    assert client.get(f"{MODELS}/packed").status_code == 404
    assert files_below(tmp_path / "one" / "spool") == set()
    assert not (tmp_path / "shared").exists()


def test_what_is_too_large_is_refused_before_it_is_read_or_while_it_comes(client, tmp_path):
    def body() -> Iterator[bytes]:
        yield from (bytes(1 << 16) for _ in range(40))

    announced = post(client, body(), **{"Content-Length": str(9 << 30)})  # type: ignore[arg-type]
    assert (announced.status_code, announced.headers["connection"]) == (413, "close")
    streamed = post(client, body())  # type: ignore[arg-type]
    assert (streamed.status_code, str(1 << 20) in streamed.json()["detail"]) == (413, True)
    card = post(client, b" " * ((1 << 20) + 1), "application/json")
    assert (card.status_code, "the card is larger" in card.json()["detail"]) == (413, True)
    assert files_below(tmp_path / "one" / "spool") == set()


def form(*fields: tuple[str, bytes]) -> bytes:
    parts = [b"--b\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n" for head, data in fields]
    return b"".join(parts) + b"--b--\r\n"


FILE = 'Content-Disposition: form-data; name="file"; filename="net.pt"'
CARD_FIELD = 'Content-Disposition: form-data; name="card"'
LIVER = {"scheme": "SCT", "value": "10200004", "meaning": "Liver"}
NETWORK = {
    "runtime": {"kind": "torchscript"},
    "outputs": [{"kind": "labels", "labels": [{"name": "Liver", "type": LIVER}]}],
}
BAD_FORMS = {
    "no file": (form((CARD_FIELD, json.dumps(CARD).encode())), 422, "no `file`"),
    "no card": (form((FILE, b"x")), 422, "no `card`"),
    "an unknown field": (form((FILE.replace("file", "fail", 1), b"x")), 422, "not known"),
    "a field twice": (form((FILE, b"x"), (FILE, b"x")), 422, "twice"),
    "three fields": (form((FILE, b"x"), (CARD_FIELD, b"{}"), (FILE, b"x")), 413, "2 parts"),
    "a card that is none": (form((CARD_FIELD, b"{"), (FILE, b"x")), 422, "not a model card"),
    "a card that lies": (
        form((CARD_FIELD, json.dumps(CARD | {"inputs": []}).encode()), (FILE, b"x")),
        422,
        "inputs",
    ),
    "a file that climbs": (form((FILE.replace("net.pt", "..", 1), b"x")), 422, "is called '..'"),
    "a hidden file": (form((FILE.replace("net.pt", "a/.bashrc", 1), b"x")), 422, "'.bashrc'"),
    "a file of another name": (
        form(
            (CARD_FIELD, json.dumps(CARD | NETWORK).encode()),
            (FILE, b"x"),
        ),
        422,
        "runtime.file is 'model.ts', but the file is called 'net.pt'",
    ),
    "an empty file": (form((CARD_FIELD, json.dumps(CARD).encode()), (FILE, b"")), 422, "empty"),
    "half a form": (form((FILE, b"x"))[:-8], 400, "breaks off"),
    "no form": (b"what is this", 400, "breaks off"),
}


@pytest.mark.parametrize(("content", "status", "told"), BAD_FORMS.values(), ids=BAD_FORMS)
def test_a_form_that_cannot_be_used_says_why(client, tmp_path, content, status, told):
    reply = post(client, content, "multipart/form-data; boundary=b")
    assert (reply.status_code, told in reply.json()["detail"]) == (status, True), reply.text
    assert files_below(tmp_path) - {"airgate.db"} <= {"airgate.db-wal", "airgate.db-shm"}


def test_coded_bodies_are_not_taken(client):
    reply = post(client, ZIP, **{"Content-Encoding": "gzip"})
    assert (reply.status_code, "in gzip" in reply.json()["detail"]) == (415, True)


def test_another_machine_fetches_what_it_needs_and_a_changed_artefact_is_refused(
    client, house, tmp_path
):
    post(client, ZIP)
    model = house.registry.version("packed", "1")
    other = services.registry_of(_settings(house, tmp_path / "two"), house.database)
    folder = other.loadable(model).folder
    assert folder is not None
    assert folder.parent == tmp_path / "two" / "models"
    assert (folder / "weights.bin").read_bytes() == b"w" * 100

    third = services.registry_of(_settings(house, tmp_path / "three"), house.database)
    stored = tmp_path / "shared" / model.digest
    stored.write_bytes(b"changed")
    with pytest.raises(ArtefactsUnavailable, match="has the sha256"):
        third.loadable(model)
    stored.unlink()
    with pytest.raises(ArtefactsUnavailable, match="AIRGATE_ARTEFACTS"):
        third.loadable(model)
    assert files_below(tmp_path / "three") == set()


def _settings(house: Services, data: Path) -> Settings:
    return house.settings.model_copy(update={"data": data})


@pytest.mark.parametrize("url", ["nothing-like-this://who:secret@x/y", "/proc/none"])
def test_a_store_that_cannot_be_used_is_told_by_name(sqlite, tmp_path, url):
    settings = Settings(data=tmp_path / "data", archive="folder", artefacts=url)
    archive = tmp_path / "model.zip"
    archive.write_bytes(ZIP)
    with pytest.raises(ArtefactsUnavailable, match="check AIRGATE_ARTEFACTS") as refused:
        services.registry_of(settings, sqlite).add_artefact(archive, "tester")
    assert "secret" not in str(refused.value)


def test_artefacts_that_no_version_refers_to_are_dropped_after_a_day(client, house, tmp_path):
    post(client, ZIP)
    post(client, TAR)  # another build of a known version: nothing refers to it
    clean_up(house.settings, house.database, NO_JOBS)
    assert len(files_below(tmp_path / "shared")) == 2

    ago = time.time() - KEPT_SECONDS - 1
    machine = tmp_path / "one" / "models"
    for path in (*(tmp_path / "shared").iterdir(), *machine.iterdir()):
        os.utime(path, (ago, ago))
    clean_up(house.settings, house.database, NO_JOBS)
    tidy(artefacts_of(house.settings), house.database)
    sha256 = hashlib.sha256(ZIP).hexdigest()
    assert files_below(tmp_path / "shared") == {sha256}
    assert [path.name for path in machine.iterdir()] == [sha256]

    with house.database.write() as session:
        session.execute(update(ModelRow).values(artefact=""))
    clean_up(house.settings, house.database, NO_JOBS)
    assert files_below(tmp_path / "shared") == set()


class _NoJobs:
    def forget(self, _before: float) -> int:
        return 0


NO_JOBS: Any = _NoJobs()
