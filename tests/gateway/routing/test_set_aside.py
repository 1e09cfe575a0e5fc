"""A stored rule that this version cannot use, as after an upgrade, is set aside, and told."""

import json
import logging

import pytest
import yaml

from gateway.routing.set_aside import log_once
from gateway.store.tables import RuleVersionRow
from tests.gateway.late_example import RULE, STUDY, Growing, growing

OLD = {"name": "old", "run": "lung_ct", "when": [{"attribute": "Modality", "looks_like": "CT"}]}
RULES = "/api/v1/rules"


@pytest.fixture
def study(database, tmp_path) -> Growing:
    """The rules in force are an old one and one that is good, as a hand wrote them."""
    made = growing(database, tmp_path)
    log_once.cache_clear()  # as in a process of its own
    with database.write() as session:
        good = {"name": RULE, "run": "lung_ct"}
        row = RuleVersionRow(
            number=7, at=1.0, changed_by="x", change="x", rules=json.dumps([OLD, "no rule", good])
        )
        session.add(row)
    return made


def test_the_others_route_on_and_the_trace_and_the_log_say_what_was_set_aside(study, caplog):
    study.arrives(*range(24))
    with caplog.at_level(logging.WARNING, "gateway.routing.set_aside"):
        (workitem,) = study.completes()
        study.completes()

    assert study.row(workitem).rule == RULE
    told = study.events("rule_set_aside")
    assert [one["rule"] for one in told] == ["old", "rule 2"] * 2
    assert "looks_like" in told[0]["reason"]
    assert told[0]["rules_version"] == 7
    assert [record.__dict__["rule"] for record in caplog.records] == ["old", "rule 2"]
    assert "Rule set aside" in study.client.get(f"/ui/studies/{STUDY}").text


def test_the_rules_show_it_in_its_place_with_the_reason(study):
    old, text, good = study.client.get(RULES).json()

    assert (old["name"], text["name"], good["name"]) == ("old", "rule 2", RULE)
    assert "looks_like" in old["set_aside"]
    assert old["when"] == OLD["when"]
    assert "set_aside" not in good
    assert "looks_like" in study.client.get(f"{RULES}/old").json()["set_aside"]
    exported = study.client.get(RULES, headers={"Accept": "application/yaml"})
    assert yaml.safe_load(exported.text)[0] == OLD
    page = study.client.get("/ui/rules").text
    assert "Rule old is set aside and not asked" in page


def test_a_change_of_another_rule_leaves_it_and_its_correction_takes_its_place(study):
    other = {"name": "other", "run": "lung_ct"}
    assert study.client.put(f"{RULES}/other", json=other).status_code == 200
    assert [one["name"] for one in study.client.get(RULES).json()] == [
        "old",
        "rule 2",
        RULE,
        "other",
    ]

    corrected = OLD | {"when": [{"attribute": "Modality", "equals": "CT"}]}
    assert study.client.put(f"{RULES}/old", json=corrected).status_code == 200
    assert study.client.delete(f"{RULES}/rule 2").status_code == 204
    found = study.client.get(RULES).json()
    assert [one["name"] for one in found] == ["old", RULE, "other"]
    assert not any("set_aside" in one for one in found)


def test_a_whole_set_with_it_is_refused_and_one_without_it_replaces_it(study):
    body = study.client.get(RULES).json()
    assert study.client.put(RULES, json=body).status_code == 422
    assert study.client.put(RULES, json=body[2:]).status_code == 200
    assert [one["name"] for one in study.client.get(RULES).json()] == [RULE]
    study.client.post(f"{RULES}/versions/7/restore").raise_for_status()
    assert [one["name"] for one in study.client.get(RULES).json()] == ["old", "rule 2", RULE]
