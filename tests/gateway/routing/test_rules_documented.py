"""docs/rules.md: every example is a rule set, and every test and attribute is in its tables."""

import re
from pathlib import Path

import pytest

from gateway.routing.conditions import TESTS
from gateway.routing.reading import as_yaml, content_of, parse_rules
from gateway.routing.rules import Rule
from gateway.routing.subject import COMPUTED

TEXT = (Path(__file__).parents[3] / "docs" / "rules.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_rule_set_and_says_the_same_when_it_is_exported(example):
    rules = parse_rules(content_of(example))

    assert rules
    assert parse_rules(content_of(as_yaml(rules))) == rules


@pytest.mark.parametrize("name", [*TESTS, *COMPUTED, *Rule.model_fields])
def test_everything_that_a_rule_can_say_is_in_a_table(name):
    rows = "\n".join(line for line in TEXT.splitlines() if line.startswith("|"))
    assert f"`{name}`" in rows
