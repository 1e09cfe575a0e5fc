"""/api/v1 through create_app, with real models registered and real problem bodies read."""

import io
import json
import textwrap
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.services import Services

TOKEN = "a-token-for-tests"

CARD: dict[str, Any] = {
    "name": "lung_copy",
    "version": "2.0.0",
    "title": "A second lung model",
    "description": "The bundled class under another name.",
    "manufacturer": "Example",
    "intended_use": "Research use only.",
    "license": "Apache-2.0",
    "runtime": {"entry": "ai_models.lung_ct.model:LungCT"},
    "inputs": [{"modality": ["CT"]}],
}

CARD_TOML = """
    name = "bone_ct"
    version = "0.1.0"
    title = "Bone by threshold"
    description = "Marks what is denser than 300 HU."
    manufacturer = "Example"
    intended_use = "Research use only."
    license = "Apache-2.0"
    [runtime]
    entry = "bone_model:BoneCT"
    [[inputs]]
    modality = ["CT"]
"""

BONE = """
    class BoneCT:
        def predict(self, inputs):
            return []
"""


@pytest.fixture
def client(parts: Services) -> Iterator[TestClient]:
    parts.registry.add_bundled()
    app = create_app(parts, TOKEN)
    with TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


def archive(**members: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name, text in members.items():
            packed.writestr(name, textwrap.dedent(text))
    return content.getvalue()


def post_archive(client: TestClient, content: bytes) -> Any:
    headers = {"Content-Type": "application/zip"}
    return client.post("/api/v1/models", content=content, headers=headers)


def assert_problem(reply: Any, status: int, told: str) -> None:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert told in reply.json()["detail"]


def test_a_bundled_model_is_listed_with_its_build(client):
    (model,) = (one for one in client.get("/api/v1/models").json() if one["name"] == "lung_ct")

    assert (model["name"], model["stage"]) == ("lung_ct", "live")
    assert len(model["digest"]) == 64
    assert model["device_uid"].startswith("2.25.")


def test_a_card_registers_an_importable_class_and_versions_are_kept(client):
    first = client.post("/api/v1/models", json=CARD)
    second = client.post("/api/v1/models", json=CARD | {"version": "2.1.0"})

    assert (first.status_code, second.status_code) == (201, 201)
    versions = [one["version"] for one in client.get("/api/v1/models/lung_copy").json()]
    assert versions == ["2.1.0", "2.0.0"]


def test_an_archive_is_registered_and_can_be_loaded(client):
    content = archive(**{"card.toml": CARD_TOML, "bone_model.py": BONE})

    reply = post_archive(client, content)

    assert reply.status_code == 201, reply.text
    assert reply.json()["name"] == "bone_ct"
    assert post_archive(client, content).status_code == 201  # the same build again


def test_another_build_under_a_known_version_is_refused(client):
    post_archive(client, archive(**{"card.toml": CARD_TOML, "bone_model.py": BONE}))
    changed = BONE + "    CHANGED = True\n"

    reply = post_archive(client, archive(**{"card.toml": CARD_TOML, "bone_model.py": changed}))

    assert_problem(reply, 409, "new version")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no zip at all", "expected a zip file"),
        (archive(**{"readme.txt": "no card"}), "card.toml of the archive cannot be used"),
        (archive(**{"card.toml": "name = ["}), "card.toml of the archive cannot be used"),
        (archive(**{"card.toml": CARD_TOML}), "bone_model"),
        (archive(**{"card.toml": CARD_TOML, "../escape.py": "x = 1"}), "leaves its folder"),
        (
            archive(**{"card.toml": CARD_TOML, "bone_model.py": "class BoneCT: ..."}),
            "no method predict",
        ),
    ],
)
def test_an_unusable_archive_is_refused_with_the_reason(client, content, told):
    assert_problem(post_archive(client, content), 422, told)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"runtime": {"entry": "no_such_module:Model"}}, "no_such_module"),
        ({"runtime": {"entry": "json:JSONDecoder"}}, "no method predict"),
        ({"name": "Has Spaces"}, "name"),
        ({"inputs": []}, "inputs"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_an_unusable_card_is_refused_with_the_reason(client, change, told):
    assert_problem(client.post("/api/v1/models", json=CARD | change), 422, told)


def test_other_bodies_are_refused(client):
    reply = client.post("/api/v1/models", content=b"x", headers={"Content-Type": "text/plain"})

    assert_problem(reply, 415, "expected application/json")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/models/unknown",
        "/api/v1/models/lung_ct/0.0.0",
        "/api/v1/rules/unknown",
        "/api/v1/studies/1.2.3",
        "/air/studies/1.2.3/results",
        "/dicom-web/workitems/1.2.3",
        "/api/v1/quarantine/7/bytes",
    ],
)
def test_what_is_not_known_is_a_404_that_names_it(client, path):
    assert_problem(client.get(path), 404, "is known here")


RULE = {"name": "abdomen", "when": [{"attribute": "Modality", "equals": "CT"}], "run": "lung_ct"}


def test_a_rule_is_kept_read_and_deleted(client):
    assert client.put("/api/v1/rules/abdomen", json=RULE).status_code == 200
    assert [one["name"] for one in client.get("/api/v1/rules").json()] == ["abdomen"]
    assert client.get("/api/v1/rules/abdomen").json()["run"] == "lung_ct"
    assert client.delete("/api/v1/rules/abdomen").status_code == 204
    assert client.get("/api/v1/rules").json() == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"run": "unknown_model"}, "register it first"),
        ({"when": [{"attribute": "Modalty", "equals": "CT"}]}, "unknown attribute 'Modalty'"),
        ({"when": [{"attribute": "Modality"}]}, "expected exactly one"),
        ({"name": "other"}, "use one name"),
    ],
)
def test_an_unusable_rule_is_refused_with_the_reason(client, change, told):
    assert_problem(client.put("/api/v1/rules/abdomen", json=RULE | change), 422, told)


def test_the_values_of_a_bad_body_are_not_repeated(client):
    reply = client.put("/api/v1/rules/a", content=json.dumps({"name": "a", "run": "Doe^Jane 1970"}))

    assert reply.status_code == 422
    assert "Doe" not in reply.text


def test_readiness_names_the_archive(client):
    assert client.get("/health/ready").json()["status"] == "ready"
    assert client.get("/health/live", headers={"Authorization": ""}).status_code == 200


def test_metrics_count_what_the_database_holds(client):
    text = client.get("/metrics").text

    assert "airgate_instances 0.0" in text
