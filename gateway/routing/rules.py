"""Routing rules: read them, evaluate them, say why."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ai_models.card import Name
from gateway.errors import RulesUnreadable
from gateway.routing.conditions import Condition
from gateway.validation import one_line
from standards.study import Series, Study

RuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]


class Rule(BaseModel):
    """A study that has a series for which every condition holds is given to the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: RuleName
    description: str = ""
    enabled: bool = True
    when: tuple[Condition, ...] = Field(default=(), description="all must hold; none = always")
    run: Name = Field(description="name of the model")


@dataclass(frozen=True)
class Match:
    """What one rule says of one study: the series that pass, and why each other does not."""

    rule: Rule
    candidates: tuple[Series, ...]
    passed_over: Mapping[str, str]  # Series Instance UID -> reason


def evaluate(rule: Rule, study: Study, arrival: dict[str, str]) -> Match:
    """Split the series of a study by the conditions of one rule."""
    candidates, passed_over = [], {}
    for series in study.series:
        failed = next((c for c in rule.when if not c.holds(series.first, arrival)), None)
        if failed is None:
            candidates.append(series)
        else:
            passed_over[series.series_instance_uid] = f"rule {rule.name}: not {failed}"
    return Match(rule, tuple(candidates), passed_over)


def read_rules(path: Path | None) -> list[Rule]:
    """The rules of a YAML file (a list), or the bundled ones. Raises RulesUnreadable."""
    source = path or files("gateway.routing") / "default_rules.yaml"
    try:
        return parse_rules(yaml.safe_load(source.read_text("utf-8")) or [])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError, ValueError) as error:
        raise RulesUnreadable(str(path or "default_rules.yaml"), one_line(error)) from error


def parse_rules(content: object) -> list[Rule]:
    if not isinstance(content, list):
        raise ValueError(f"found {type(content).__name__}, expected a list of rules")
    rules = [Rule.model_validate(item) for item in content]
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"rule names {', '.join(twice)} are used twice; expected each once")
    return rules
