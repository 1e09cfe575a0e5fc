"""/api/v1/rules over HTTP: whole sets, versions, and what is refused with which status."""

import json

import pytest
import yaml
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.routing.versions import in_force

CT = {"name": "ct", "run": "lung_ct", "when": [{"attribute": "Modality", "equals": "CT"}]}
MR = {"name": "mr", "run": "lung_ct", "when": [{"attribute": "Modality", "equals": "MR"}]}
RULES = "/api/v1/rules"


@pytest.fixture
def client(parts):
    parts.registry.add_bundled()
    token = "a-token-for-tests"
    client = TestClient(create_app(parts, token))
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def put_yaml(client: TestClient, text: str, **headers: str):
    kind = {"Content-Type": "application/yaml"}
    return client.put(RULES, content=text.encode(), headers=kind | headers)


def names(client: TestClient) -> list[str]:
    return [rule["name"] for rule in client.get(RULES).json()]


def test_a_whole_set_is_put_as_yaml_or_json_and_comes_back_as_both(client):
    assert put_yaml(client, yaml.safe_dump([CT, MR])).status_code == 200
    assert names(client) == ["ct", "mr"]
    assert client.put(RULES, json=[MR, CT]).status_code == 200

    exported = client.get(RULES, headers={"Accept": "application/yaml"})

    assert exported.headers["Content-Type"].startswith("application/yaml")
    assert yaml.safe_load(exported.text) == [MR, CT]
    assert put_yaml(client, exported.text).headers["ETag"] == '"2"'  # nothing changed


def test_versions_tell_who_changed_what_and_can_be_restored(client):
    client.put(f"{RULES}/ct", json=CT)
    client.put(f"{RULES}/mr", json=MR)
    client.delete(f"{RULES}/ct")

    told = [
        (v["number"], v["changed_by"], v["change"]) for v in client.get(f"{RULES}/versions").json()
    ]

    assert told == [
        (3, "administrator", "deleted ct"),
        (2, "administrator", "put mr"),
        (1, "administrator", "put ct"),
    ]
    assert [r["name"] for r in client.get(f"{RULES}/versions/2").json()["rules"]] == ["ct", "mr"]
    assert client.post(f"{RULES}/versions/2/restore").status_code == 200
    assert names(client) == ["ct", "mr"]
    assert client.get(f"{RULES}/versions?limit=1").json()[0]["change"] == "restored version 2"


def test_a_put_from_an_older_version_is_refused(client):
    old = client.get(RULES).headers["ETag"]
    client.put(f"{RULES}/ct", json=CT)

    refused = put_yaml(client, yaml.safe_dump([MR]), **{"If-Match": old})

    assert refused.status_code == 412
    assert "version 1" in refused.json()["detail"]
    assert put_yaml(client, yaml.safe_dump([MR]), **{"If-Match": '"1"'}).status_code == 200


def many(count: int) -> str:
    return json.dumps([{"name": f"r{n}", "run": "lung_ct"} for n in range(count)])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- {name: a, run: lung_ct}\n- {name: a, run: lung_ct}", "used twice"),
        ("- {name: a, run: lung_ct, when: [{attribute: Modalty, equals: CT}]}", "Modalty"),
        ("- {name: a, run: lung_ct, when: [{attribute: Modality, matches: '('}]}", "rule 1 'a'"),
        ("- {name: a, run: lung_ct, when: [{attribute: Modality, at_least: 1}]}", "cannot compare"),
        (
            "- {name: a, run: lung_ct, when: [{expression: 'series.Modality < 1'}]}",
            "do not compare",
        ),
        ("- {name: a, run: liver}", "no model 'liver' is registered and in use"),
        ("- {name: try, run: lung_ct}", "another meaning"),
        ("- &a {name: a, run: lung_ct}\n- *a", "alias"),
        ("[" * 100_000, "levels"),
        ("a: [", "not a rule set"),
        ("name: a", "expected a list"),
        (many(10_000), "10000 rules, expected at most 1000"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_and_changes_nothing(client, parts, text, told):
    refused = put_yaml(client, text)

    assert refused.status_code == 422, refused.text
    assert told in refused.json()["detail"]
    assert "\n" not in refused.json()["detail"]
    with parts.database.read() as session:
        assert in_force(session).version == 0


def test_another_content_type_or_json_that_nests_without_end_is_refused(client):
    plain = client.put(RULES, content=b"[]", headers={"Content-Type": "text/plain"})
    deep = client.put(RULES, content=b"[" * 500_000, headers={"Content-Type": "application/json"})

    assert plain.status_code == 415
    assert deep.status_code == 422
    assert client.get(f"{RULES}/versions/7").status_code == 404
