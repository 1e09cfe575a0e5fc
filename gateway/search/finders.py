"""Which index leads from a condition to the few studies that may meet it.

Each finder is a SELECT of Study Instance UIDs that reads an index alone. All finders of a
condition together find every study with a match; they may find some without one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from gateway.search.attributes import COLUMNS, Level
from gateway.search.conditions import widened
from gateway.search.texts import between, by_parts, by_prefix
from gateway.search.values import (
    BIRTH_DATE,
    MODALITIES_IN_STUDY,
    NAMES,
    REQUEST_IDS,
    REQUESTS,
    SOP_CLASSES_IN_STUDY,
    STEP_DATE,
    sound_of,
    within,
)
from gateway.store.tables import InstanceRow, SeriesRow, StudyRow, StudyValueRow
from standards.matching import Matching, NamePattern, Names, Range, Texts, Uids
from standards.query import Condition, Items, Key, Moments
from standards.study import tag_of
from standards.wildcards import Pattern

Finder = Select[str]

_UNIQUE = frozenset(
    (
        StudyRow.study_instance_uid,
        SeriesRow.series_instance_uid,
        InstanceRow.sop_instance_uid,
    )
)
_INDEXED = frozenset((StudyRow.patient_id, StudyRow.accession_number, StudyRow.study_id))
# By which attribute of study_values the studies of an attribute are found.
_IN_VALUES = {
    tag_of("ModalitiesInStudy"): MODALITIES_IN_STUDY,
    tag_of("Modality"): MODALITIES_IN_STUDY,
    tag_of("SOPClassesInStudy"): SOP_CLASSES_IN_STUDY,
    tag_of("SOPClassUID"): SOP_CLASSES_IN_STUDY,
    BIRTH_DATE: BIRTH_DATE,
    STEP_DATE: STEP_DATE,
}


@dataclass(frozen=True)
class Found:
    """finders: of all studies that may match. rank: the lower, the fewer they are likely to be.

    value: the one attribute and value in study_values that every match has, if there is one.
    """

    finders: Sequence[Finder]
    rank: int
    value: tuple[str, str] | None = None


def found_by(level: Level, condition: Condition, *, sqlite: bool) -> Found | None:
    """How an index finds the studies of a condition; None where none does."""
    found = None
    if isinstance(condition, Items):
        found = _by_items(condition, sqlite)
    elif isinstance(condition, Moments) and condition.zone is None:
        found = _by_range(condition.tag, condition.dates)
    elif isinstance(condition, Key):
        found = _by_key(
            condition.tag, COLUMNS[level].get(condition.tag), condition.matching, sqlite
        )
    return found


def _by_key(tag: str, column: Any, one: Matching, sqlite: bool) -> Found | None:
    found = None
    if isinstance(one, Uids) and column in _UNIQUE:
        found = Found([_by_uids(column, one)], 0)
    elif tag in _IN_VALUES:
        found = _by_values(_IN_VALUES[tag], one, sqlite)
    elif isinstance(one, Names) and tag in NAMES:
        found = _by_names(tag, one, sqlite)
    elif column is not None and isinstance(one, Uids | Texts):
        found = _by_column(column, one, sqlite)
    return found


def _by_uids(column: Any, one: Uids) -> Finder:
    study = column.class_.study_instance_uid
    return select(study).where(column.in_(sorted(one.uids))).distinct()


def _by_column(column: Any, one: Uids | Texts, sqlite: bool) -> Found | None:
    study = StudyRow.study_instance_uid
    if isinstance(one, Uids):  # the patient of a token
        return Found([select(study).where(column.in_(sorted(one.uids)))], 1)
    finders: list[Finder] = []
    for pattern in one.patterns[:1] if one.every else one.patterns:
        finder = None
        if column in _INDEXED and pattern.prefix:
            finder = select(study).where(by_prefix(column.expression, pattern, sqlite=sqlite))
        elif not pattern.is_literal or column not in _INDEXED:
            finder = by_parts(column, pattern, sqlite=sqlite)
        if finder is None:
            return None
        finders.append(finder)
    return Found(finders, 1 if all(each.is_literal for each in one.patterns) else 3)


def _by_range(tag: str, one: Range | None) -> Found | None:
    """Ranges of Study Date are read in the order of answers; others through study_values."""
    attribute = _IN_VALUES.get(tag)
    if attribute is None or one is None:
        return None
    return Found([_of(attribute, between(StudyValueRow.value, one.first, one.last))], 4)


def _by_values(attribute: str, one: Any, sqlite: bool) -> Found | None:
    if isinstance(one, Range):
        return _by_range(attribute, one)
    if isinstance(one, Uids):
        value = (attribute, next(iter(one.uids))) if len(one.uids) == 1 else None
        return Found([_of(attribute, StudyValueRow.value.in_(sorted(one.uids)))], 4, value)
    if not isinstance(one, Texts) or not all(each.prefix for each in one.patterns):
        return None
    patterns = one.patterns[:1] if one.every else one.patterns
    is_single = len(patterns) == 1 and patterns[0].is_literal
    return Found(
        [_of(attribute, _prefix(pattern, sqlite)) for pattern in patterns],
        4,
        (attribute, patterns[0].text) if is_single else None,
    )


def _by_names(tag: str, one: Names, sqlite: bool) -> Found | None:
    patterns = one.patterns[:1] if one.every else one.patterns
    finders: list[Finder] = []
    for pattern in patterns:
        found = list(_by_name(tag, pattern, sqlite))
        if not found:
            return None
        finders += found
    value = _value_of(tag, patterns[0]) if len(patterns) == 1 else None
    return Found(finders, 2 if value is None else 1, value)


def _value_of(tag: str, one: NamePattern) -> tuple[str, str] | None:
    """What every study with that name has among its values."""
    if one.sounds and not one.loose and one.groups[0].is_literal:
        return sound_of(tag), max(one.sounds, key=len)
    is_group = one.in_any_group and one.groups[0].is_literal and not one.loose
    return (tag, one.groups[0].text) if is_group else None


def _by_name(tag: str, one: NamePattern, sqlite: bool) -> Iterator[Finder]:
    """Through a group that is named, and fuzzily through its first sound."""
    group = next((widened(each) for each in one.groups if each.text), Pattern(""))
    if one.loose or (one.sounds and not group.is_literal):
        return
    if one.sounds:  # whatever matches literally sounds alike
        yield _of(sound_of(tag), StudyValueRow.value == max(one.sounds, key=len))
    elif group.prefix:
        yield _of(tag, _prefix(group, sqlite))
    elif tag == tag_of("PatientName"):
        finder = by_parts(StudyRow.patient_name, group, sqlite=sqlite)
        if finder is not None:
            yield finder


def _by_items(condition: Items, sqlite: bool) -> Found | None:
    """Through the identifiers of the requests that a series answers."""
    if condition.tag != REQUESTS:
        return None
    for inner in condition.conditions:
        if isinstance(inner, Key) and inner.tag in REQUEST_IDS:
            return _by_values(within(REQUESTS, inner.tag), inner.matching, sqlite)
    return None


def _of(attribute: str, wanted: Any) -> Finder:
    """A study with several such values is found several times."""
    study = StudyValueRow.study_instance_uid
    return select(study).where(StudyValueRow.attribute == attribute, wanted)


def _prefix(pattern: Pattern, sqlite: bool) -> Any:
    return by_prefix(StudyValueRow.value.expression, pattern, sqlite=sqlite)
