"""Rule sets as text: YAML or JSON in, YAML out; what cannot be used is told in one line."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gateway.errors import RulesUnreadable
from gateway.routing.rules import Rule
from gateway.routing.set_aside import Entry, written
from gateway.validation import one_line

MOST_RULES = 1000
DEEPEST = 20  # levels of lists and mappings; rules need eight

_HEADER = (
    "# Routing rules, in the order in which they are asked. docs/rules.md says what they mean.\n"
)


def read_rules(path: Path | None) -> list[Rule]:
    """The rules of a YAML file (a list), or the bundled ones. Raises RulesUnreadable."""
    source = path or files("gateway.routing") / "default_rules.yaml"
    try:
        return parse_rules(content_of(source.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise RulesUnreadable(str(path or "default_rules.yaml"), one_line(error)) from error


def content_of(text: str) -> Any:
    """What a YAML (or JSON) text holds. Raises ValueError.

    Aliases and deep nesting are refused before anything is built: a few hundred bytes of either
    can stand for more than memory or stack hold.
    """
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent):
                raise ValueError("found a YAML alias (*name); write the value where it is meant")
            if depth > DEEPEST:
                raise ValueError(f"found more than {DEEPEST} levels; a rule has eight")
        return yaml.load(text, Loader=yaml.CSafeLoader) or []
    except yaml.YAMLError as error:
        raise ValueError(one_line(error)) from error


def json_of(text: str) -> Any:
    """What a JSON text holds. Raises ValueError."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(f"found more than {DEEPEST} levels; a rule has eight") from None


def parse_rules(content: object) -> list[Rule]:
    """Raises ValueError, which names the rule that is wrong and where in it."""
    if not isinstance(content, list):
        raise ValueError(f"found {type(content).__name__}, expected a list of rules")
    if len(content) > MOST_RULES:
        raise ValueError(f"found {len(content)} rules, expected at most {MOST_RULES}")
    rules = [_rule(number, item) for number, item in enumerate(content, start=1)]
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"rule names {', '.join(twice)} are used twice; expected each once")
    return rules


def as_yaml(rules: Sequence[Entry]) -> str:
    return _HEADER + yaml.safe_dump(
        json.loads(json.dumps(written(rules))), sort_keys=False, allow_unicode=True, width=100
    )


def _rule(number: int, item: object) -> Rule:
    try:
        return Rule.model_validate(item)
    except ValidationError as error:
        name = item.get("name") if isinstance(item, dict) else None
        named = f" {name!r:.80}" if isinstance(name, str) else ""
        raise ValueError(f"rule {number}{named}: {one_line(error)}") from error
