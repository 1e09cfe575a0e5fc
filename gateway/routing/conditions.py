"""Predicates on the headers of a series, written as data."""

import re
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from standards.study import Header, tag_of, values

# What the gateway knows of the way a study came, beside its DICOM attributes.
ARRIVAL_ATTRIBUTES = ("CallingAETitle", "CalledAETitle")


class Condition(BaseModel):
    """One test of one attribute; exactly one of the tests is given.

    attribute: a DICOM keyword (`BodyPartExamined`), a tag (`00180015`), a private tag
        (`00291010`), or `CallingAETitle` / `CalledAETitle`.
    A multi-valued attribute passes when one of its values passes. An attribute that a series
    lacks passes only `exists: false`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    attribute: str
    equals: str | float | None = None
    one_of: tuple[str | float, ...] | None = Field(default=None, min_length=1)
    contains: str | None = Field(default=None, description="text, compared without case")
    matches: str | None = Field(default=None, description="regular expression, searched")
    at_least: float | None = None
    at_most: float | None = None
    exists: bool | None = None

    @field_validator("attribute")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in ARRIVAL_ATTRIBUTES:
            tag_of(name)
        return name

    @field_validator("matches")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(
                    f"{pattern!r} is not a regular expression: {error}; see Python's re syntax"
                ) from error
        return pattern

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if len(self._tests()) != 1:
            raise ValueError(
                f"the condition on {self.attribute} has {len(self._tests())} tests; "
                f"expected exactly one of {', '.join(_TESTS)}"
            )
        return self

    def holds(self, header: Header, arrival: dict[str, str]) -> bool:
        """Whether one series, by its first header, passes."""
        (test,) = self._tests()
        found = self._found(header, arrival)
        if test == "exists":
            return bool(found) == self.exists
        return any(_TESTS[test](item, getattr(self, test)) for item in found)

    def __str__(self) -> str:
        (test,) = self._tests()
        return f"{self.attribute} {test.replace('_', ' ')} {getattr(self, test)}"

    def _tests(self) -> list[str]:
        return [name for name in _TESTS if getattr(self, name) is not None]

    def _found(self, header: Header, arrival: dict[str, str]) -> list[Any]:
        if self.attribute in ARRIVAL_ATTRIBUTES:
            value = arrival.get(self.attribute, "")
            return [value] if value else []
        return values(header, self.attribute)


def _number(item: Any) -> float:
    try:
        return float(item)
    except (TypeError, ValueError):
        return float("nan")  # compares false with everything


def _equal(item: Any, wanted: Any) -> bool:
    if isinstance(wanted, str):
        return str(item) == wanted
    return _number(item) == wanted


_TESTS = {
    "equals": _equal,
    "one_of": lambda item, wanted: any(_equal(item, one) for one in wanted),
    "contains": lambda item, wanted: wanted.casefold() in str(item).casefold(),
    "matches": lambda item, wanted: re.search(wanted, str(item)) is not None,
    "at_least": lambda item, wanted: _number(item) >= wanted,
    "at_most": lambda item, wanted: _number(item) <= wanted,
    "exists": None,  # told apart in `holds`: it looks at the presence, not at a value
}
