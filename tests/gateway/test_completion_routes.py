"""What rules ask for before a study is complete: required series, quiet time, an announcement."""

import json

import pytest

from gateway.completion.expectations import DECLARED, Announced, Expectation, expect
from gateway.completion.routes import RequiredSeries, RoutePolicy
from gateway.store.tables import RuleVersionRow
from tests.gateway.completion_helper import STUDY, House

CT = [{"attribute": "Modality", "equals": "CT"}]
THIN = {"attribute": "SeriesDescription", "contains": "thin"}
MANY = {"attribute": "NumberOfSeriesRelatedInstances", "at_least": 3}


def house(database, *rules: dict) -> House:
    """Its quiet time is 10 s, and 100 s where more was promised."""
    named = [
        {"name": f"rule{number}", "run": "lung_ct", "when": CT} | rule
        for number, rule in enumerate(rules)
    ]
    with database.write() as session:
        told = {"at": 0.0, "changed_by": "test", "change": "made"}
        session.add(RuleVersionRow(number=1, rules=json.dumps(named), **told))
    return House(database, [Announced(), RequiredSeries()], policy_of=RoutePolicy(10.0).of)


def test_a_study_waits_for_the_series_that_a_rule_requires(database):
    study = house(database, {"completion": {"required_series": [THIN]}})
    study.arrives(1, Modality="CT", SeriesDescription="thick")
    assert study.passes(50) == 0
    study.arrives(1, series=2, Modality="CT", SeriesDescription="thin 1.0")
    assert study.passes(9) == 0
    assert study.passes(1) == 1
    assert study.evidence["evidence"] == "quiet_time"
    assert "missing" not in study.evidence


def test_a_series_that_never_comes_is_named_in_the_trace(database):
    study = house(database, {"completion": {"required_series": [THIN]}})
    study.arrives(1, Modality="CT", SeriesDescription="thick")
    assert study.passes(100) == 1
    lacking = study.evidence["missing"]["required_series"]["series"]
    assert lacking == ["rule0: SeriesDescription contains thin"]


def test_a_rule_may_require_so_many_images(sqlite):
    study = house(sqlite, {"completion": {"required_series": [MANY], "quiet_seconds": 1}})
    study.arrives(1, Modality="CT")
    study.arrives(2, Modality="CT")
    assert study.passes(50) == 0
    study.arrives(3, Modality="CT")
    assert study.passes(1) == 1


@pytest.mark.parametrize(
    ("rules", "seconds"),
    [
        ([{"completion": {"quiet_seconds": 3}}], 3),
        ([{"completion": {"quiet_seconds": 3}}, {"completion": {"quiet_seconds": 30}}], 30),
        ([{"completion": {"quiet_seconds": 3}}, {}], 10),
        ([{"completion": {"quiet_seconds": 3}}, {"when": [THIN]}], 3),
        ([{"completion": {"quiet_seconds": 3}, "stage": "shadow"}], 10),
        ([{"completion": {"quiet_seconds": 3}, "enabled": False}], 10),
    ],
)
def test_the_most_patient_of_the_rules_that_fit_counts(sqlite, rules, seconds):
    study = house(sqlite, *rules)
    study.arrives(1, Modality="CT")
    assert study.passes(seconds - 0.5) == 0
    assert study.passes(0.5) == 1


def test_a_rule_may_wait_for_an_announcement(sqlite):
    study = house(sqlite, {"completion": {"expected": True}})
    study.arrives(1, Modality="CT")
    assert study.passes(50) == 0
    with sqlite.write() as session:
        expect(session, STUDY, Expectation(DECLARED, instances=1), study.clock.now)
    assert study.passes(0.5) == 1
