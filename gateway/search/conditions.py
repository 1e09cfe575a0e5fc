"""One matched attribute as an SQL condition (PS3.4 C.2.2.2), on SQLite and PostgreSQL alike."""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import JSON, ColumnElement, and_, cast, exists, func, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from gateway.search.attributes import Attribute
from gateway.search.errors import InvalidParameter
from gateway.store.tables import StudyRow
from standards.dicom_json import folded

_DATE = re.compile(r"\d{8}")
_TIME = re.compile(r"(?:[01]\d|2[0-3])(?:[0-5]\d(?:[0-5]\d(?:\.\d{1,6})?)?)?")
_MOST_STARS = 6  # each one more multiplies the work of a comparison
_LIST = re.compile(r"[,\\]")  # the standard's comma; OHIF's backslash

Text = ColumnElement[Any]


def condition(attribute: Attribute, value: str, *, sqlite: bool) -> ColumnElement[bool] | None:
    """The condition that a value sets, None where it matches everything (`` or `*`).

    Raises InvalidParameter when the value does not fit the VR.
    """
    value = value.strip()
    if value in ("", "*"):
        return None
    if "\0" in value:
        raise InvalidParameter(_name(attribute), "a text with a NUL", "printable text")
    compare = _COMPARE.get(attribute.vr, _text)
    column: Text = attribute.column.expression
    first, *inner = attribute.path
    if inner:
        return _in_any_item(attribute, value, compare, sqlite)
    if attribute.in_json:
        column = _document(column, sqlite)[first, "Value", 0].as_string()
    found = compare(attribute, column, value, sqlite)
    return _in_any_below(attribute, found) if attribute.below else found


def _document(column: Text, sqlite: bool) -> Any:
    """A text column as JSON, which can be indexed by keys and positions."""
    return type_coerce(column, JSON) if sqlite else cast(column, JSON)


def _in_any_below(attribute: Attribute, found: ColumnElement[bool]) -> ColumnElement[bool]:
    row = attribute.column.class_
    of_study = row.study_instance_uid == StudyRow.study_instance_uid
    return exists(select(1).select_from(row).where(of_study, found).correlate(StudyRow))


Compare = Callable[[Attribute, Text, str, bool], ColumnElement[bool]]


def _in_any_item(
    attribute: Attribute, value: str, compare: Compare, sqlite: bool
) -> ColumnElement[bool]:
    """Whether any item of a sequence matches; the sequence is DICOM JSON in a text column."""
    sequence, tag = attribute.path[0], attribute.path[1]
    if sqlite:
        source = func.json_each(attribute.column, f'$."{sequence}".Value')
        item = source.table_valued("value").c.value
        text: Text = func.json_extract(item, f'$."{tag}".Value[0]')
    else:
        items = cast(attribute.column, JSONB)[sequence]["Value"]
        item = func.jsonb_array_elements(items).table_valued("value").c.value
        text = cast(item, JSONB)[(tag, "Value", "0")].astext
    return exists(select(1).where(compare(attribute, text, value, sqlite)))


def _text(attribute: Attribute, column: Text, value: str, sqlite: bool) -> ColumnElement[bool]:
    return _like(attribute, column, value, sqlite)


def _codes(attribute: Attribute, column: Text, value: str, sqlite: bool) -> ColumnElement[bool]:
    """CS may hold neither comma nor backslash, so both can separate alternatives."""
    codes = [code.strip() for code in _LIST.split(value)]
    return or_(*(_like(attribute, column, code, sqlite) for code in codes if code))


def _uids(attribute: Attribute, column: Text, value: str, sqlite: bool) -> ColumnElement[bool]:
    return column.in_([uid.strip() for uid in _LIST.split(value)])


def _person(attribute: Attribute, column: Text, value: str, sqlite: bool) -> ColumnElement[bool]:
    """Without regard to case and accents; a value without `=` may be any way of writing the name.

    The column holds alphabetic=ideographic=phonetic, folded.
    """
    wanted = folded(value)
    ways = [wanted]
    if "=" not in wanted:
        ways += [f"{wanted}=*", f"*={wanted}", f"*={wanted}=*"]
    return or_(*(_like(attribute, column, way, sqlite, spare_stars=2) for way in ways))


def _date(attribute: Attribute, column: Text, value: str, sqlite: bool) -> ColumnElement[bool]:
    low, high = _ends(attribute, value, _DATE, "YYYYMMDD, or a range such as 20240101-20241231")
    return and_(column != "", column >= (low or "0"), column <= (high or "99999999"))


def _time(attribute: Attribute, column: Text, value: str, sqlite: bool) -> ColumnElement[bool]:
    """Missing parts of a time stand for all of them: 1015 is the whole minute (PS3.5 6.2, TM)."""
    low, high = _ends(attribute, value, _TIME, "HHMMSS, or a range such as 0800-1200")
    latest = high + "999999.999999"[len(high) :]
    return and_(column != "", column >= (low or "0"), column <= latest)


def _ends(
    attribute: Attribute, value: str, pattern: re.Pattern[str], expected: str
) -> tuple[str, str]:
    """First and last of a range, "" for an open end; of a single value it is both."""
    low, dash, high = value.partition("-")
    low, high = low.strip(), high.strip() if dash else low.strip()
    wrong = not (low or high) or any(end and not pattern.fullmatch(end) for end in (low, high))
    if wrong:
        raise InvalidParameter(_name(attribute), repr(value[:40]), expected)
    return low, high


def _integer(attribute: Attribute, column: Text, value: str, sqlite: bool) -> ColumnElement[bool]:
    if not re.fullmatch(r"[+-]?\d{1,12}", value, re.ASCII):
        raise InvalidParameter(_name(attribute), repr(value[:40]), "a whole number")
    return column == int(value)


def _like(
    attribute: Attribute, column: Text, pattern: str, sqlite: bool, *, spare_stars: int = 0
) -> ColumnElement[bool]:
    """Equal, or alike where the pattern has `*` or `?`; upper and lower case differ."""
    pattern = re.sub(r"\*+", "*", pattern)
    if pattern.count("*") > _MOST_STARS + spare_stars:
        raise InvalidParameter(
            _name(attribute), f"a pattern with more than {_MOST_STARS} `*`", "fewer of them"
        )
    if not set(pattern) & set("*?"):
        return column == pattern
    if sqlite:  # its LIKE does not tell upper from lower case
        return column.op("GLOB", is_comparison=True)(pattern.replace("[", "[[]"))
    escaped = re.sub(r"([\\%_])", r"\\\1", pattern)
    return column.like(escaped.replace("*", "%").replace("?", "_"), escape="\\")


def _name(attribute: Attribute) -> str:
    return ".".join(attribute.path)


_COMPARE: dict[str, Compare] = {
    "CS": _codes,
    "DA": _date,
    "IS": _integer,
    "PN": _person,
    "TM": _time,
    "UI": _uids,
    "US": _integer,
}
