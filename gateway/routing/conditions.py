"""Predicates on a series in its study, written as data."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from gateway.routing import kinds, patterns
from gateway.routing.subject import COMPUTED, Subject
from standards.attribute_path import attribute_path

# Tests of one value: kind, what a header holds, what the rule wants.
_TESTS: dict[str, Callable[[str, Any, Any], bool]] = {
    "equals": kinds.equal,
    "one_of": lambda kind, found, wanted: any(kinds.equal(kind, found, one) for one in wanted),
    "contains": lambda _, found, wanted: wanted.casefold() in found.casefold(),
    "matches": lambda _, found, wanted: patterns.found_in(wanted, found),
    "at_least": lambda _, found, wanted: found >= wanted,
    "at_most": lambda _, found, wanted: found <= wanted,
}
_OF_TEXT = frozenset(("contains", "matches"))
_OF_ORDER = frozenset(("at_least", "at_most"))
# Each negative test holds where its positive one does not, so also for an absent attribute.
_NEGATIVE = {
    "not_equals": "equals",
    "none_of": "one_of",
    "not_contains": "contains",
    "not_matches": "matches",
}
TESTS = (*_TESTS, *_NEGATIVE, "exists")


def _as_text(value: Any) -> Any:
    """YAML makes a date of 2026-03-14 by itself, and of NO a truth value."""
    if isinstance(value, bool):
        raise ValueError("true or false is no value; put yes, no, on and off in quotes")
    return value.isoformat() if isinstance(value, date) else value


Value = Annotated[StrictStr | StrictInt | StrictFloat, BeforeValidator(_as_text)]
Values = Annotated[tuple[Value, ...], Field(min_length=1, max_length=1000)]
Text = Annotated[StrictStr, Field(min_length=1, max_length=1000)]


class Condition(BaseModel):
    """One test of one attribute; of `at_least` and `at_most` both may stand together.

    attribute: see standards/attribute_path.py, or one of those that gateway/routing/subject.py
        computes.
    An attribute with several values passes when one of them does, a negative test when none does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    attribute: str = Field(max_length=256)
    equals: Value | None = None
    not_equals: Value | None = None
    one_of: Values | None = None
    none_of: Values | None = None
    contains: Text | None = Field(default=None, description="text, compared without case")
    not_contains: Text | None = None
    matches: Text | None = Field(
        default=None, description="regular expression (RE2 syntax), searched"
    )
    not_matches: Text | None = None
    at_least: Value | None = None
    at_most: Value | None = None
    exists: bool | None = None

    @field_validator("matches", "not_matches")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            patterns.check(pattern)
        return pattern

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        tests = self._tests
        if len(tests) != 1 and set(tests) != _OF_ORDER:
            raise ValueError(
                f"the condition on {self.attribute} has {len(tests)} tests; expected exactly one "
                f"of {', '.join(TESTS)}, or at_least and at_most"
            )
        for test in tests:
            self._check(_NEGATIVE.get(test, test))
        if self._is_turned and self._kind != "time":
            raise ValueError(
                f"the condition on {self.attribute} has an at_least above its at_most, which "
                "nothing fulfils; exchange them"
            )
        return self

    def why_not(self, subject: Subject) -> str | None:
        """None when it holds for this series, else what stood against it (never the value)."""
        found = subject.values(self.attribute)
        if self.exists is not None:
            there = bool(found) or self._is_in(subject)
            return None if there == self.exists else ("absent", "present")[there]
        readable = [item for item in map(self._read, found) if item is not None]
        (test, *_) = self._tests
        if any(map(self._passes, readable)) != (test in _NEGATIVE):
            return None
        if not found:
            return "absent"
        return "" if readable else f"its value is not {kinds.EXPECTED[self._kind]}"

    def holds(self, subject: Subject) -> bool:
        return self.why_not(subject) is None

    def __str__(self) -> str:
        told = [f"{test.replace('_', ' ')} {_said(getattr(self, test))}" for test in self._tests]
        return f"{self.attribute} {' and '.join(told)}"

    @property
    def _tests(self) -> list[str]:
        return [name for name in TESTS if getattr(self, name) is not None]

    @property
    def _kind(self) -> str:
        """A private attribute that no dictionary knows is what its condition compares it with."""
        kind = kinds.kind_of(self.attribute)
        if kind != "unknown":
            return kind
        wanted = [value for test in self._tests for value in _listed(getattr(self, test))]
        return "text" if any(isinstance(value, str) for value in wanted) else "number"

    @property
    def _is_turned(self) -> bool:
        """A time of day may begin after it ends: then it runs over midnight."""
        if self.at_least is None or self.at_most is None:
            return False
        return kinds.read(self._kind, self.at_least) > kinds.read(self._kind, self.at_most)

    def _check(self, test: str) -> None:
        """Whether such a test can be made of such values at all. Raises ValueError."""
        kind = self._kind
        if test == "exists" or (test in _OF_TEXT and kind != "sequence"):
            return
        if kind == "sequence":
            raise ValueError(
                f"{self.attribute} is a sequence, of which only `exists` can be asked; "
                f"name an attribute in it, such as {self.attribute}.CodeValue"
            )
        if test in _OF_ORDER and kind not in kinds.ORDERED:
            tests = ", ".join(name for name in TESTS if name not in _OF_ORDER)
            raise ValueError(
                f"{self.attribute} is {kind}, which `{test}` cannot compare; expected {tests}"
            )
        given = [getattr(self, name) for name in self._tests]
        for value in (item for one in given for item in _listed(one)):
            if kinds.read(kind, value) is None:
                raise ValueError(
                    f"`{test}` of {self.attribute} is {value!r}; expected {kinds.EXPECTED[kind]}"
                )

    def _read(self, value: Any) -> Any:
        if _OF_TEXT & {_NEGATIVE.get(test, test) for test in self._tests}:
            return str(value)
        return kinds.read(self._kind, value)

    def _passes(self, found: Any) -> bool:
        combine = any if self._is_turned else all
        return combine(self._passes_one(test, found) for test in self._tests)

    def _passes_one(self, test: str, found: Any) -> bool:
        kind, positive, wanted = self._kind, _NEGATIVE.get(test, test), getattr(self, test)
        if isinstance(wanted, tuple):
            wanted = [kinds.read(kind, one) for one in wanted]
        elif positive not in _OF_TEXT:
            wanted = kinds.read(kind, wanted)
        return _TESTS[positive](kind, found, wanted)

    def _is_in(self, subject: Subject) -> bool:
        if self.attribute in COMPUTED:
            return False
        return attribute_path(self.attribute).is_in(subject.series.first)


def _listed(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _said(value: Any) -> str:
    return ", ".join(str(item) for item in _listed(value))
