"""Routing rules: what one says, what a set of them decides of a study, and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    field_validator,
    model_validator,
)

from ai_models.card import Name, Priority
from gateway.routing.conditions import Condition
from gateway.routing.expressions import Expression
from gateway.routing.subject import Arrival, Subject
from standards.study import Series, Study

RESERVED = frozenset(("versions", "try"))  # what /api/v1/rules/ has under these names

RuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]


def _form(value: Any) -> str:
    if isinstance(value, Expression) or (isinstance(value, Mapping) and "expression" in value):
        return "expression"
    return "condition"


Test = Annotated[
    Annotated[Condition, Tag("condition")] | Annotated[Expression, Tag("expression")],
    Discriminator(_form),
]
Tests = Annotated[tuple[Test, ...], Field(max_length=100)]


class Stage(StrEnum):
    """A `shadow` rule runs its model apart: nothing clinical knows of it, and no other rule."""

    LIVE = "live"
    SHADOW = "shadow"


def _spelled(value: Any) -> Any:
    return "HIGH" if value == "STAT" else value


class Completion(BaseModel):
    """When a study that the rule applies to is complete, and what a late instance does.

    quiet_seconds: in place of AIRGATE_QUIET_SECONDS; unset = that.
    required_series: for each of these, one series of the study must fulfil it.
    expected: whether the study must hold as many instances as its source or order declared.
    late: `rerun` the model and supersede its result, `amend` it, or `ignore` the late instance.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    quiet_seconds: float | None = Field(default=None, ge=0, le=7 * 86400)
    required_series: Tests = ()
    expected: bool = False
    late: Literal["rerun", "amend", "ignore"] = "rerun"


class Rule(BaseModel):
    """A study that has a series for which the conditions hold is given to the model.

    A rule with `stop` is, when it matched, the last that is asked. A `default` rule is asked when
    no other rule matched.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: RuleName
    description: str = Field(default="", max_length=1000)
    enabled: bool = True
    when: Tests = Field(default=(), description="all must hold; none = always")
    any: Tests = Field(default=(), description="one of these must hold, too; none = always")
    run: Name = Field(description="name of the model")
    default: bool = Field(default=False, description="only asked when no other rule matched")
    stop: bool = Field(default=False, description="when it matched, no later rule is asked")
    priority: Annotated[Priority | None, BeforeValidator(_spelled)] = Field(
        default=None, description="HIGH (or STAT), MEDIUM, LOW; unset = as the model's card says"
    )
    stage: Stage = Field(default=Stage.LIVE, description="`shadow` keeps results apart")
    completion: Completion | None = None
    publish: Annotated[tuple[Name, ...], Field(max_length=16)] = Field(
        default=(),
        description="of a chain, the models whose results are published; unset = of `run` alone",
    )
    sr_without_result: bool = Field(
        default=False, description="work without a result says so in an SR in the study, too"
    )

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in RESERVED:
            raise ValueError(
                f"{name!r} has another meaning at /api/v1/rules; expected another name"
            )
        return name

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.default and self.stop:
            raise ValueError(f"rule {self.name} is `default` and `stop`; a default rule comes last")
        if self.publish and self.run not in self.publish:
            raise ValueError(
                f"rule {self.name} runs {self.run} and publishes {', '.join(self.publish)}; name "
                f"{self.run} there too, or let the rule run another model"
            )
        return self

    def why_not(self, subject: Subject) -> str | None:
        """The first reason why it does not apply to a series, None when it applies."""
        for one in self.when:
            if (reason := one.why_not(subject)) is not None:
                return f"not {one}" + (f" ({reason})" if reason else "")
        if self.any and not any(one.holds(subject) for one in self.any):
            return f"none of {'; '.join(map(str, self.any))}"
        return None


@dataclass(frozen=True)
class Match:
    """What one rule says of one study: the series that pass, and why each other does not."""

    rule: Rule
    candidates: tuple[Series, ...]
    passed_over: Mapping[str, str]  # Series Instance UID -> reason


@dataclass(frozen=True)
class Decision:
    """What a set of rules says of one study, in the order in which they were asked."""

    asked: tuple[Match, ...]

    @property
    def matched(self) -> tuple[Match, ...]:
        return tuple(match for match in self.asked if match.candidates)


def unlimited() -> None:
    """How long a decision may take where nobody waits for it."""


def evaluate(
    rule: Rule, study: Study, arrival: Arrival, go_on: Callable[[], None] = unlimited
) -> Match:
    """Split the series of a study by the conditions of one rule.

    go_on: called before each series; whatever it raises ends the evaluation.
    """
    candidates, passed_over = [], {}
    for series in study.series:
        go_on()
        reason = rule.why_not(Subject(series, study, arrival))
        if reason is None:
            candidates.append(series)
        else:
            passed_over[series.series_instance_uid] = f"rule {rule.name}: {reason}"
    return Match(rule, tuple(candidates), passed_over)


def decide(
    rules: Sequence[Rule],
    study: Study,
    arrival: Arrival,
    *,
    matched: bool = False,
    go_on: Callable[[], None] = unlimited,
) -> Decision:
    """Ask the enabled rules in their order; `default` ones only when none of the others matched.

    A rule in its shadow stage changes nothing for the others: it is no match, and stops nothing.
    matched: something else, an order for a model by name, stands for a match already.
    """
    asked: list[Match] = []
    for rule in sorted((rule for rule in rules if rule.enabled), key=lambda rule: rule.default):
        if rule.default and matched:
            break
        match = evaluate(rule, study, arrival, go_on)
        asked.append(match)
        if rule.stage is Stage.SHADOW or not match.candidates:
            continue
        matched = matched or not rule.default
        if rule.stop:
            break
    return Decision(tuple(asked))
