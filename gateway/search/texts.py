"""Texts with wild cards in SQL: compared, and found through an index."""

import json
import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    column,
    func,
    literal,
    select,
    table,
)
from sqlalchemy.orm import InstrumentedAttribute

from gateway.store.tables import StudyRow
from standards.wildcards import Pattern

_AFTER_ALL = "\U0010ffff"
_SHORTEST_PART = 3  # trigrams find no less
_MOST_TRIGRAMS = 12

# SQLite's own, made by migration 0003 and kept right by triggers on studies.
_TEXTS = table("study_texts", column("rowid"), column("study_texts"))
_NUMBERS = table("study_numbers", column("number"), column("study_instance_uid"))
IN_PARTS = frozenset(
    (
        StudyRow.patient_name,
        StudyRow.patient_id,
        StudyRow.accession_number,
        StudyRow.study_description,
    )
)


def like(text: ColumnElement[Any], pattern: Pattern, *, sqlite: bool) -> ColumnElement[bool]:
    """Equal, or alike where the pattern has wild cards; upper and lower case differ."""
    if pattern.is_literal:
        return text == pattern.text
    if sqlite:  # its LIKE does not tell upper from lower case
        return text.op("GLOB", is_comparison=True)(pattern.text.replace("[", "[[]"))
    escaped = re.sub(r"([\\%_])", r"\\\1", pattern.text)
    return text.like(escaped.replace("*", "%").replace("?", "_"), escape="\\")


def between(text: Any, first: str, last: str) -> ColumnElement[bool]:
    """PostgreSQL's BETWEEN takes no values with a collation."""
    return and_(text >= first, text <= last)


def among(uid: Any, uids: Sequence[str], *, sqlite: bool) -> ColumnElement[bool]:
    """One of many: a single value of the statement, which is the same however many they are."""
    if sqlite:
        each = func.json_each(json.dumps(uids)).table_valued("value")
        return uid.in_(select(each.c.value))
    return uid == any_(literal(list(uids), ARRAY(Text)))


def by_prefix(text: ColumnElement[Any], pattern: Pattern, *, sqlite: bool) -> ColumnElement[bool]:
    """As like, for a pattern with a prefix: a range of an index."""
    if pattern.is_literal:
        return text == pattern.text
    prefix = pattern.prefix
    within = and_(text >= prefix, text < prefix + _AFTER_ALL)
    return and_(within, like(text, pattern, sqlite=sqlite))


def by_parts(text: InstrumentedAttribute, pattern: Pattern, *, sqlite: bool) -> Select[str] | None:
    """The studies that may match, by parts of their texts; None where no index tells."""
    parts = [run for run in pattern.runs if len(run) >= _SHORTEST_PART]
    if not parts or text not in IN_PARTS:
        return None
    if not sqlite:
        wanted = like(text.expression, pattern, sqlite=False)
        return select(StudyRow.study_instance_uid).where(wanted)
    trigrams = list(dict.fromkeys(each for part in parts for each in _trigrams(part)))
    quoted = ['"' + each.replace('"', '""') + '"' for each in trigrams[:_MOST_TRIGRAMS]]
    match = f"{text.key} : ({' AND '.join(quoted)})"
    return (
        select(_NUMBERS.c.study_instance_uid)
        .join_from(_TEXTS, _NUMBERS, _NUMBERS.c.number == _TEXTS.c.rowid)
        .where(_TEXTS.c.study_texts.op("MATCH", is_comparison=True)(match))
    )


def _trigrams(text: str) -> list[str]:
    """One after the other: those between would add more work than they take from the result."""
    last = len(text) - 3
    return [text[start : start + 3] for start in (*range(0, last, 3), last)]
