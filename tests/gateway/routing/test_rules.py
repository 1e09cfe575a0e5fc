from pathlib import Path

import pytest

from gateway.errors import RulesUnreadable
from gateway.routing.reading import read_rules
from gateway.routing.rules import Rule, evaluate
from gateway.routing.subject import Arrival
from tests.headers import ct_series, study

CHEST = Rule.model_validate(
    {
        "name": "chest",
        "when": [
            {"attribute": "Modality", "equals": "CT"},
            {"attribute": "BodyPartExamined", "equals": "CHEST"},
        ],
        "run": "lung_ct",
    }
)


def test_keeps_the_series_that_fulfil_every_condition_and_says_why_not_the_others():
    chest, head = ct_series("1.1"), ct_series("1.2", BodyPartExamined="HEAD")

    match = evaluate(CHEST, study(chest, head), Arrival())

    assert match.candidates == (chest,)
    assert match.passed_over == {"1.2": "rule chest: not BodyPartExamined equals CHEST"}


def test_a_rule_without_conditions_takes_every_series():
    everything = CHEST.model_copy(update={"when": ()})

    assert (
        len(evaluate(everything, study(ct_series("1.1"), ct_series("1.2")), Arrival()).candidates)
        == 2
    )


def test_the_bundled_rules_can_be_read():
    assert [rule.run for rule in read_rules(None)] == ["lung_ct"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- {name: a, run: lung_ct, when: [{attribute: Modalty, equals: CT}]}", "Modalty"),
        ("name: a", "expected a list"),
        ("- [", "flow"),
        ("- {name: a, run: x}\n- {name: a, run: y}", "used twice"),
    ],
)
def test_a_bad_rules_file_is_named_with_what_is_wrong(tmp_path: Path, content: str, told: str):
    path = tmp_path / "rules.yaml"
    path.write_text(content)

    with pytest.raises(RulesUnreadable, match=told) as raised:
        read_rules(path)

    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_rules_file_is_named(tmp_path: Path):
    with pytest.raises(RulesUnreadable, match="No such file"):
        read_rules(tmp_path / "none.yaml")
