"""Conditions on data sets as SQL, on SQLite and PostgreSQL alike.

What a column or study_values can tell, the database compares, exactly or as the larger part of
the work; what it cannot is compared in the DICOM JSON of the rows that are left.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from gateway.search.attributes import COLUMNS, DOCUMENTS, OF_MANY, STUDY_DATE, Level
from gateway.search.texts import between, like
from gateway.search.values import BIRTH_DATE, LONGEST_VALUE, sound_of
from gateway.store.tables import StudyRow, StudyValueRow
from standards.matching import Empty, NamePattern, Names, Numbers, Range, Texts, Uids
from standards.query import Condition, Items, Key, Moments
from standards.temporal import LAST_DATE, shifted
from standards.wildcards import Pattern

Where = ColumnElement[bool]

_ZONES = 27 * 60  # minutes between the clocks that differ most


@dataclass(frozen=True)
class Compared:
    """where: what every match meets. exact: whatever meets it is a match."""

    where: Where
    exact: bool


def compared(level: Level, condition: Condition, *, sqlite: bool) -> Compared | None:
    """A condition as SQL; None where only the DICOM JSON can tell."""
    column = COLUMNS[level].get(condition.tag)
    if isinstance(condition, Moments):
        return _moments(condition) if column is not None else None
    return _key(condition, column, sqlite) if isinstance(condition, Key) else None


def _key(condition: Key, column: InstrumentedAttribute | None, sqlite: bool) -> Compared | None:
    tag, one = condition.tag, condition.matching
    found = None
    if tag in OF_MANY:
        found = Compared(_in_values(tag, one, sqlite), exact=True)
    elif tag == BIRTH_DATE and isinstance(one, Range):
        found = Compared(_has_value(BIRTH_DATE, _between(one)), exact=True)
    elif column is None or _is_too_long(one):
        found = None
    elif isinstance(one, Names):
        found = _names(tag, column, one, sqlite)
    elif isinstance(one, Empty):
        found = _empty(column)
    elif compare := _COMPARE.get(type(one)):
        found = Compared(compare(column, one, sqlite), exact=True)
    return found


def mentioned(level: Level, condition: Condition, *, sqlite: bool) -> Where:
    """That the DICOM JSON of a row speaks of what is compared in it, seen without reading it."""
    column: ColumnElement[Any] = DOCUMENTS[level].expression
    is_bytes = level == Level.INSTANCE
    found = []
    for needle in _needles(condition):
        wanted = needle.encode() if is_bytes else needle
        if sqlite:
            found.append(func.instr(column, wanted) > 0)
        elif is_bytes:
            found.append(func.pg_catalog.position(column, wanted) > 0)
        else:
            found.append(func.strpos(column, wanted) > 0)
    return and_(*found)


def _needles(condition: Condition) -> list[str]:
    """Texts that stand in the JSON of every match."""
    if isinstance(condition, Items):
        inner = [needle for each in condition.conditions for needle in _needles(each)]
        return [f'"{condition.tag}":', *inner] if inner else []
    if not isinstance(condition, Key) or isinstance(condition.matching, Empty):
        return []
    needles = [f'"{condition.tag}":']
    one = condition.matching
    if isinstance(one, Texts) and len(one.patterns) == 1:
        runs = (run.strip() for run in one.patterns[0].runs)
        needles += [run for run in runs if run and not set(run) & {'"', "\\"}]
    if isinstance(one, Uids) and len(one.uids) == 1:
        needles += one.uids
    return needles


def _is_too_long(one: Any) -> bool:
    """Longer than what a column keeps of its attribute."""
    patterns: Sequence[Pattern] = one.patterns if isinstance(one, Texts) else ()
    return any(len(pattern.text) > LONGEST_VALUE for pattern in patterns)


def _empty(column: InstrumentedAttribute) -> Compared | None:
    """What is no date has an empty column too, and a number that is missing may have a default."""
    if column.key.startswith("number_of") and column.key != "number_of_frames":
        return Compared(false(), exact=True)  # they are counted
    return None if isinstance(column.type, Integer) else Compared(column == "", exact=False)


def _uids(column: Any, one: Uids, sqlite: bool) -> Where:
    return column.in_(sorted(one.uids))


def _texts(column: Any, one: Texts, sqlite: bool) -> Where:
    combine = and_ if one.every else or_
    return combine(*(like(column, pattern, sqlite=sqlite) for pattern in one.patterns))


def _numbers(column: Any, one: Numbers, sqlite: bool) -> Where:
    whole = [int(number) for number in one.numbers if abs(number) < 2**31 and number % 1 == 0]
    return column.in_(whole) if whole else false()


def _range(column: Any, one: Range, sqlite: bool) -> Where:
    return and_(column != "", between(column, one.first, one.last))


_COMPARE: dict[type, Callable[[Any, Any, bool], Where]] = {
    Uids: _uids,
    Texts: _texts,
    Numbers: _numbers,
    Range: _range,
}


def _moments(one: Moments) -> Compared | None:
    """A Study Date with its time. In another zone they are apart, by two days at the most."""
    date, time = StudyRow.study_date.expression, StudyRow.study_time.expression
    if one.dates is None:
        return None
    if one.zone is not None:
        first = shifted(one.dates.first + "000000.000000", -_ZONES)[:8]
        last = shifted(one.dates.last + "235959.999999", _ZONES)[:8]
        return Compared(and_(date != "", between(date, first, last)), exact=False)
    if not (one.together and one.times):
        return None
    near = between(date, one.dates.first, one.dates.last)
    first, last = one.dates.first + one.times.first, one.dates.last + one.times.last
    return Compared(and_(near, time != "", between(date + time, first, last)), exact=True)


def _has_value(attribute: str, wanted: Where) -> Where:
    """That a value of the study meets it. Date and time are told to go straight to its row."""
    of_study = (
        StudyValueRow.study_date == StudyRow.study_date,
        StudyValueRow.study_time == StudyRow.study_time,
        StudyValueRow.study_instance_uid == StudyRow.study_instance_uid,
    )
    found = select(1).where(StudyValueRow.attribute == attribute, wanted, *of_study)
    return exists(found.correlate(StudyRow))


def _between(one: Range) -> Where:
    return between(StudyValueRow.value, one.first, min(one.last, LAST_DATE))


def _in_values(attribute: str, one: Any, sqlite: bool) -> Where:
    value = StudyValueRow.value.expression
    if isinstance(one, Empty):
        return ~_has_value(attribute, value != "")
    if isinstance(one, Uids):
        return _has_value(attribute, value.in_(sorted(one.uids)))
    combine = and_ if one.every else or_
    return combine(
        *(_has_value(attribute, like(value, each, sqlite=sqlite)) for each in one.patterns)
    )


def _names(tag: str, column: Any, one: Names, sqlite: bool) -> Compared:
    combine = and_ if one.every else or_
    found = [_name(tag, column, pattern, sqlite) for pattern in one.patterns]
    return Compared(combine(*(each.where for each in found)), all(each.exact for each in found))


def _name(tag: str, column: Any, one: NamePattern, sqlite: bool) -> Compared:
    """The column holds all groups, joined by `=`; a `*` between two of them would match too much.

    So what has wild cards is compared once more, in the groups that study_values holds apart.
    """
    groups = [widened(pattern) for pattern in one.groups]
    if one.in_any_group:
        (wanted,) = groups
        where = or_(*(like(column, way, sqlite=sqlite) for way in _as_any_group(wanted)))
        if not wanted.is_literal:
            apart = like(StudyValueRow.value.expression, wanted, sqlite=sqlite)
            where = and_(where, or_(column.not_like("%=%"), _has_value(tag, apart)))
        exact = wanted == one.groups[0]
    else:
        runs = (run for group in groups for run in group.runs)
        where = and_(
            column != "", *(like(column, Pattern(f"*{run}*"), sqlite=sqlite) for run in runs)
        )
        exact = False
    if not (one.sounds or one.loose):
        return Compared(where, exact)
    sounds = [_has_value(sound_of(tag), StudyValueRow.value == each) for each in one.sounds]
    return Compared(or_(where, and_(true(), *sounds)), exact and not one.loose)


def _as_any_group(wanted: Pattern) -> Iterator[Pattern]:
    """How a column of all groups looks like when one of them is as wanted."""
    befores = ("",) if wanted.text.startswith("*") else ("", "*=")
    afters = ("",) if wanted.text.endswith("*") else ("", "=*")
    return (Pattern(f"{before}{wanted.text}{after}") for before in befores for after in afters)


def dated(condition: Condition, date: Any) -> Where | None:
    """What a condition on Study Date says of another column that repeats it."""
    if condition.tag != STUDY_DATE:
        return None
    if isinstance(condition, Moments):
        one = condition.dates if condition.zone is None else None
    else:
        one = condition.matching if isinstance(condition, Key) else None
    return between(date, one.first, one.last) if isinstance(one, Range) else None


def widened(pattern: Pattern) -> Pattern:
    """Without the components at its end that may be missing: `A^B^*` finds `A^B` too."""
    components = pattern.text.split("^")
    while len(components) > 1 and components[-1] == "*":
        components.pop()
    shorter = "^".join(components)
    if shorter == pattern.text:
        return pattern
    return Pattern(shorter if shorter.endswith("*") else f"{shorter}*")
