"""What the values of an attribute are compared with (PS3.4 C.2.2.2), on values of DICOM JSON.

standards/query_values.py reads them from the values of a query. A database that keeps values as
gateway/search/values.py does can say by itself what matches most of them.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from standards.person_names import folded_groups, sounds, words
from standards.temporal import full_date, full_time, in_zone, moments
from standards.wildcards import Pattern


class Matching(Protocol):
    def matches(self, values: Sequence[Any], own_zone: int | None = None) -> bool:
        """Whether any of the values of an attribute matches; [] are those of an empty one.

        own_zone: the offset from UTC, in minutes, of the data set that holds them, if it tells it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Empty:
    """Only what has no value."""

    def matches(self, values: Sequence[Any], own_zone: int | None = None) -> bool:
        return all(value is None or value == "" for value in values)


@dataclass(frozen=True, slots=True)
class Uids:
    """Any UID of a list (C.2.2.2.2)."""

    uids: frozenset[str]

    def matches(self, values: Sequence[Any], own_zone: int | None = None) -> bool:
        return any(value in self.uids for value in values if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class Texts:
    """Any of the patterns, or each of them (C.2.2.2.8)."""

    patterns: tuple[Pattern, ...]
    every: bool = False

    def matches(self, values: Sequence[Any], own_zone: int | None = None) -> bool:
        texts = [str(value).strip() for value in values if value is not None]
        combine = all if self.every else any
        return combine(any(p.matches(text) for text in texts) for p in self.patterns)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Any of the numbers. single: the attribute has single precision."""

    numbers: frozenset[float]
    single: bool = False

    def matches(self, values: Sequence[Any], own_zone: int | None = None) -> bool:
        return any(self._comparable(value) in self.numbers for value in values)

    def _comparable(self, value: Any) -> float | None:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return None
        return single_precision(number) if self.single else number


@dataclass(frozen=True, slots=True)
class Range:
    """First and last of dates, times: texts that sort by meaning. form: which ends were given."""

    first: str
    last: str
    form: str  # "a-b", "a-", "-b", or "a" for a single value
    is_time: bool = False

    def matches(self, values: Sequence[Any], own_zone: int | None = None) -> bool:
        full = full_time if self.is_time else full_date
        texts = (full(value) for value in values if isinstance(value, str))
        return any(text and self.first <= text <= self.last for text in texts)


@dataclass(frozen=True, slots=True)
class Instants:
    """First and last moment of a DT, each with its offset from UTC where it has one."""

    first: tuple[str, int | None]
    last: tuple[str, int | None]

    def matches(self, values: Sequence[Any], own_zone: int | None = None) -> bool:
        found = (moments(value) for value in values if isinstance(value, str))
        return any(self._holds(one[0], one[2], own_zone) for one in found if one)

    def _holds(self, moment: str, zone: int | None, own_zone: int | None) -> bool:
        zone = own_zone if zone is None else zone
        after = in_zone(moment, zone, self.first[1]) >= self.first[0]
        return after and in_zone(moment, zone, self.last[1]) <= self.last[0]


@dataclass(frozen=True, slots=True)
class NamePattern:
    """One name as it may be written: without `=` in any way of writing it, else in each named."""

    groups: tuple[Pattern, ...]
    sounds: frozenset[str] = frozenset()  # of its words, when compared fuzzily
    loose: tuple[Pattern, ...] = ()  # words with wild cards, when compared fuzzily

    @property
    def in_any_group(self) -> bool:
        return len(self.groups) == 1

    def matches(self, name: Mapping[str, str]) -> bool:
        groups = folded_groups(name)
        return self._literally(groups) or self._fuzzily(groups)

    def _literally(self, groups: Sequence[str]) -> bool:
        if self.in_any_group:
            return any(group and _same_name(self.groups[0], group) for group in groups)
        pairs = zip(self.groups, groups, strict=False)
        return all(not wanted.text or _same_name(wanted, group) for wanted, group in pairs)

    def _fuzzily(self, groups: Sequence[str]) -> bool:
        if not (self.sounds or self.loose):
            return False
        found = [word for group in groups for word in words(group)]
        return self.sounds <= {each for group in groups for each in sounds(group)} and all(
            any(pattern.matches(word) for word in found) for pattern in self.loose
        )


@dataclass(frozen=True, slots=True)
class Names:
    """Any of the names, or each of them."""

    patterns: tuple[NamePattern, ...]
    every: bool = False

    def matches(self, values: Sequence[Any], own_zone: int | None = None) -> bool:
        names = [value for value in values if isinstance(value, dict)]
        combine = all if self.every else any
        return combine(any(p.matches(name) for name in names) for p in self.patterns)


def _same_name(wanted: Pattern, group: str) -> bool:
    """As a whole, or component by component; components that are not there are empty."""
    if wanted.matches(group):
        return True
    if "^" not in wanted.text:
        return False
    patterns, components = wanted.text.split("^"), group.split("^")
    missing = len(patterns) - len(components)
    return missing >= 0 and all(
        Pattern(pattern).matches(component)
        for pattern, component in zip(patterns, [*components, *[""] * missing], strict=True)
    )


def single_precision(number: float) -> float:
    """The nearest value that FL can hold; what is beyond it stays as it is."""
    try:
        return struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        return number
