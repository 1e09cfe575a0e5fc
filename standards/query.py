"""The keys of a query as conditions on data sets in DICOM JSON (PS3.4 C.2.2.2, PS3.18 8.3.4.1).

What is asked of one sequence must hold for one and the same of its items (C.2.2.2.6). A date and
a time that are both ranges of one form are matched together, as PS3.18 8.3.4.1.1 asks.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from standards.errors import UnfitValue
from standards.matching import Matching, Range
from standards.query_values import How, matching
from standards.temporal import full_date, full_time, in_zone, offset

Document = Mapping[str, Any]  # one DICOM JSON object
Path = tuple[str, ...]  # tags: of a sequence, of one in its items..., of an attribute

TIMEZONE = "00080201"


class Condition(Protocol):
    @property
    def tag(self) -> str:
        """The attribute of the data set that it is for."""
        ...

    def matches(self, document: Document, own_zone: int | None) -> bool:
        """own_zone: the document's offset from UTC in minutes, None where it tells none."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """One attribute, by its values."""

    tag: str
    matching: Matching

    def matches(self, document: Document, own_zone: int | None) -> bool:
        return self.matching.matches(_values(document, self.tag), own_zone)


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence of which one item meets all conditions."""

    tag: str
    conditions: tuple[Condition, ...]

    def matches(self, document: Document, own_zone: int | None) -> bool:
        items = (item for item in _values(document, self.tag) if isinstance(item, dict))
        return any(_all(self.conditions, item, own_zone) for item in items)


@dataclass(frozen=True, slots=True)
class Moments:
    """Dates and times that depend on each other, or on where they were told.

    dates, times: ranges of a date and of the time that goes with it, None where that is not
    asked for. together: their first ends are one moment, and so are their last. zone: the offset
    in which the query means them; a value whose own is unknown is taken as it is.
    """

    tag: str
    date: str  # tag, "" for a time that goes with no date
    time: str  # tag, "" for a date that goes with no time
    dates: Range | None
    times: Range | None
    together: bool
    zone: int | None

    def matches(self, document: Document, own_zone: int | None) -> bool:
        date = full_date(_text(document, self.date))
        time = full_time(_text(document, self.time))
        if (self.dates and not date) or (self.times and not time):
            return False
        if time:
            moment = in_zone((date or "20000101") + time, own_zone, self.zone)
            date, time = moment[:8], moment[8:]
        if self.together and self.dates and self.times:
            first, last = (self.dates.first + self.times.first, self.dates.last + self.times.last)
            return first <= date + time <= last
        return _within(self.dates, date) and _within(self.times, time)


@dataclass(frozen=True, slots=True)
class Private:
    """A private element, by who defined it and its place in a block (PS3.5 7.8.1).

    value: read anew for each VR that it is found with; not one that matches everything.
    """

    tag: str
    creator: str
    value: str
    how: How

    def matches(self, document: Document, own_zone: int | None) -> bool:
        places = private_places(document, self.tag, self.creator)
        elements = [document.get(tag, {}) for tag in places]
        return any(self._same(element, own_zone) for element in elements or [{}])

    def _same(self, element: Document, own_zone: int | None) -> bool:
        try:
            wanted = matching(element.get("vr", "UN"), self.value, self.how)
        except UnfitValue:  # it fits another VR, which another device gave its element
            return False
        return wanted is not None and wanted.matches(element.get("Value", ()), own_zone)


@dataclass(frozen=True, slots=True)
class Creator:
    """Any private element of one who defined some, in the group of the tag."""

    tag: str
    creator: str

    def matches(self, document: Document, own_zone: int | None) -> bool:
        return any(private_places(document, self.tag, self.creator))


def private_places(document: Document, tag: str, creator: str) -> Iterator[str]:
    """Under which tags a document holds what a creator put at `tag` of its block."""
    group, element = tag[:4], tag[6:]
    for block in range(0x10, 0x100):
        if _text(document, f"{group}00{block:02X}") == creator:
            yield f"{group}{block:02X}{element}"


def is_private(tag: str) -> bool:
    return int(tag[:4], 16) % 2 == 1


def creator_of(tag: str) -> str:
    """The tag of the Private Creator of a private element; of a creator it is itself."""
    return tag if tag[4:6] == "00" else f"{tag[:4]}00{tag[4:6]}"


def vr_of(tag: str) -> str:
    """Of the data dictionary; "UN" for what it does not know."""
    try:
        return dictionary_VR(int(tag, 16))
    except KeyError:
        return "UN"


def conditions(
    wanted: Sequence[tuple[Path, Matching]], zone: int | None = None
) -> tuple[Condition, ...]:
    """What a data set must meet.

    wanted: paths, each once, with what they match. zone: the query's offset from UTC in minutes.
    Raises UnfitValue for times over midnight that are no part of a range of moments.
    """
    here = {path[0]: one for path, one in wanted if len(path) == 1}
    inner: dict[str, list[tuple[Path, Matching]]] = defaultdict(list)
    for path, one in wanted:
        if len(path) > 1:
            inner[path[0]].append((path[1:], one))
    items = (Items(tag, conditions(below, zone)) for tag, below in inner.items())
    return (*_here(here, zone), *items)


def matches(wanted: Sequence[Condition], document: Document) -> bool:
    return _all(wanted, document, offset(_text(document, TIMEZONE)))


def _all(wanted: Sequence[Condition], document: Document, own_zone: int | None) -> bool:
    return all(condition.matches(document, own_zone) for condition in wanted)


def _here(wanted: dict[str, Matching], zone: int | None) -> Iterator[Condition]:
    """The conditions on the attributes of one data set, dates together with their times."""
    for tag, one in wanted.items():
        if not isinstance(one, Range):
            yield Key(tag, one)
            continue
        date, time = _pair(tag)
        dates, times = (_range(wanted.get(each)) for each in (date, time))
        together = dates is not None and times is not None and dates.form == times.form != "a"
        if one.first > one.last and not together:
            found = (
                f"a range of {keyword_for_tag(int(tag, 16))} whose first end lies after its last"
            )
            raise UnfitValue(found, "such a range only beside one of dates")
        if zone is None and not together:
            yield Key(tag, one)
        elif tag == date or dates is None:  # of a pair, the date speaks for both
            yield Moments(tag, date, time, dates, times, together, zone)


def _range(one: Matching | None) -> Range | None:
    return one if isinstance(one, Range) else None


@cache
def _pair(tag: str) -> tuple[str, str]:
    """A date and the time that goes with it, by their keywords: StudyDate and StudyTime."""
    keyword = keyword_for_tag(int(tag, 16))
    if keyword.endswith("Date"):
        return tag, _of_vr(keyword.removesuffix("Date") + "Time", "TM")
    if keyword.endswith("Time"):
        return _of_vr(keyword.removesuffix("Time") + "Date", "DA"), tag
    return (tag, "") if vr_of(tag) == "DA" else ("", tag)


def _of_vr(keyword: str, vr: str) -> str:
    tag = tag_for_keyword(keyword)
    return f"{tag:08X}" if tag is not None and dictionary_VR(tag) == vr else ""


def _within(wanted: Range | None, text: str) -> bool:
    return wanted is None or wanted.first <= text <= wanted.last


def _values(document: Document, tag: str) -> Sequence[Any]:
    return document.get(tag, {}).get("Value", ())


def _text(document: Document, tag: str) -> str:
    values = _values(document, tag)
    return str(values[0]) if values and values[0] is not None else ""
