"""The rule lab on real index rows: what would run, on what, and what would change."""

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from gateway.routing.lab import Lab, Order
from gateway.routing.reading import parse_rules
from gateway.store.tables import Base
from standards.uids import derived_uid
from tests.gateway.routing_example import CT, laboratory


@pytest.fixture
def client(parts):
    return laboratory(parts)


def tried(client: TestClient, *rules: dict, **query) -> dict:
    reply = client.post("/api/v1/rules/try", json=list(rules), params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


def changes(answer: dict) -> list[tuple[str, str]]:
    return [(run["change"], run["model"]) for study in answer["studies"] for run in study["runs"]]


def test_the_rules_in_force_change_nothing_and_say_what_runs_on_what_and_why(client):
    answer = tried(client, CT)

    assert changes(answer) == [("same", "counts")] * 3
    assert answer["counts"] == {"same": 3}
    newest = answer["studies"][0]
    run = newest["runs"][0]["draft"]
    assert newest["study_instance_uid"] == derived_uid("test", "c")
    assert [(one["name"], one["description"]) for one in run["inputs"]] == [("image", "thin")]
    assert run["inputs"][0]["for_review"]
    reasons = {one["description"]: one["reason"] for one in run["passed_over"]}
    assert reasons["scout"] == "ImageType has LOCALIZER"
    assert reasons["thick"].endswith("was preferred: 5 slices before 3 slices")


def test_added_removed_and_changed_runs_are_told(client):
    thick = CT["when"] + [{"attribute": "SeriesDescription", "equals": "thick"}]
    other = {"name": "other", "run": "other", "when": CT["when"]}

    assert changes(tried(client, other, limit=1)) == [("added", "other"), ("removed", "counts")]
    assert changes(tried(client, CT | {"when": thick}, limit=1)) == [("changed", "counts")]
    stat = tried(client, CT | {"priority": "STAT"}, limit=1)
    assert changes(stat) == [("changed", "counts")]
    assert stat["studies"][0]["runs"][0]["what"] == ["priority"]
    shadow = tried(client, CT | {"stage": "shadow"}, limit=1)
    assert changes(shadow) == [("added", "counts"), ("removed", "counts")]
    added, removed = shadow["studies"][0]["runs"]
    assert (added["draft"]["stage"], removed["live"]["stage"]) == ("shadow", "live")
    assert removed["reason"] == "no live rule that was asked names this model"
    nothing = tried(client, CT | {"when": [{"attribute": "Modality", "equals": "MR"}]}, limit=1)
    assert changes(nothing) == [("removed", "counts")]
    assert nothing["studies"][0]["runs"][0]["reason"] == "rule ct: not Modality equals MR"
    assert nothing["studies"][0]["reason"] == "rule ct: not Modality equals MR"


def test_pages_follow_one_another(client):
    first = tried(client, CT, limit=2)
    second = tried(client, CT, limit=2, offset=first["next_offset"])

    assert first["studies_in_all"] == 3
    assert [len(page["studies"]) for page in (first, second)] == [2, 1]
    assert second["next_offset"] is None


def test_nothing_is_written(client, parts):
    def rows() -> dict[str, int]:
        with parts.database.read() as session:
            return {
                name: session.scalar(select(func.count()).select_from(table)) or 0
                for name, table in Base.metadata.tables.items()
            }

    before = rows()
    tried(client, CT | {"run": "other"})

    assert rows() == before


@pytest.mark.usefixtures("client")
def test_a_draft_that_takes_long_ends_in_time_and_says_where_to_go_on(parts):
    hasty = Lab(parts.database, parts.registry, seconds=0.0)

    page = hasty.try_out(parse_rules([CT]), Order(limit=3))

    assert "takes longer than 0 s" in page.studies[0].reason
    assert page.next_offset == 1


@pytest.mark.usefixtures("client")
def test_a_study_that_is_too_large_is_told_and_not_loaded(parts):
    small = Lab(parts.database, parts.registry, most_instances=9)

    answer = small.try_out(parse_rules([CT]), Order())

    reasons = [study.reason for study in answer.studies]
    assert reasons == ["it has more than 9 instances, too many to try", "", ""]


@pytest.mark.parametrize("query", [{"days": 0}, {"days": 9999}, {"limit": 0}, {"offset": -1}])
def test_what_no_trial_can_mean_is_refused(client, query):
    assert client.post("/api/v1/rules/try", json=[CT], params=query).status_code == 422


def test_a_draft_that_cannot_be_used_is_refused_as_when_it_is_put(client):
    refused = client.post("/api/v1/rules/try", json=[CT, CT])

    assert refused.status_code == 422
    assert "used twice" in refused.json()["detail"]
