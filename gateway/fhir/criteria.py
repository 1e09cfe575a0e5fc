"""One search parameter of a request as a SELECT of the ids that match (FHIR R4, search.html).

Of values parted by commas one must match; that all parameters must is the caller's part.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, literal, or_, select, true

from gateway.fhir.errors import BadValue
from gateway.fhir.parameters import PARAMETERS, Kind, Parameter
from gateway.fhir.periods import period_of
from gateway.fhir.values import folded
from gateway.store.tables import FhirRow, FhirSearchRow

Condition = ColumnElement[bool]
Ids = Select[str]

# Bounds of what one search may ask of the database
MAXIMUM_CHOICES = 200
MAXIMUM_CHAIN = 3

_PREFIXED = re.compile(r"([a-z]{2})?(\d.*)")
_LOW, _HIGH = FhirSearchRow.low, FhirSearchRow.high


def _within(low: float, high: float) -> Condition:
    return and_(low <= _LOW, high >= _HIGH)


# How the period of a resource must lie to the period asked for (search.html 3.1.1.4.7)
_PREFIXES: dict[str, Callable[[float, float], Condition]] = {
    "eq": _within,
    "ne": lambda low, high: or_(low > _LOW, high < _HIGH),
    "gt": lambda _, high: high < _HIGH,
    "lt": lambda low, _: low > _LOW,
    "ge": lambda low, high: or_(high < _HIGH, _within(low, high)),
    "le": lambda low, high: or_(low > _LOW, _within(low, high)),
    "sa": lambda _, high: high < _LOW,
    "eb": lambda low, _: low > _HIGH,
}


@dataclass(frozen=True, slots=True)
class _Criterion:
    """One name=value, taken apart. `base` is the public address of this server."""

    resource_type: str
    parameter: Parameter
    modifier: str
    chained: str
    value: str
    base: str

    @property
    def name(self) -> str:
        bare = self.parameter.name + (f":{self.modifier}" if self.modifier else "")
        return f"{bare}.{self.chained}" if self.chained else bare

    @property
    def choices(self) -> list[str]:
        return _split(self.value, ",")


def matching(resource_type: str, name: str, value: str, base: str) -> Ids | None:
    """The ids of the resources that name=value asks for; None when the parameter is not known.

    name: with its modifier (`subject:Patient`, `code:not`) or chain (`patient.identifier`).
    base: the public address of this server, for references given as URL.
    Raises BadValue for a value or modifier that cannot be understood.
    """
    first, _, chained = name.partition(".")
    bare, _, modifier = first.partition(":")
    parameter = PARAMETERS[resource_type].get(bare)
    if parameter is None:
        return None
    criterion = _Criterion(resource_type, parameter, modifier, chained, value, base)
    if "\0" in value or not all(criterion.choices) or len(criterion.choices) > MAXIMUM_CHOICES:
        raise BadValue(name, f"a value, or up to {MAXIMUM_CHOICES} parted by commas")
    if name.count(".") > MAXIMUM_CHAIN:
        raise BadValue(name, f"a chain of up to {MAXIMUM_CHAIN} references")
    return _chain(criterion) if chained else _plain(criterion)


def _plain(criterion: _Criterion) -> Ids:
    resource_type, parameter = criterion.resource_type, criterion.parameter
    rows = _rows(resource_type, parameter.name)
    if criterion.modifier == "missing":
        return _missing(criterion, rows)
    if criterion.modifier == "not" and parameter.kind is Kind.TOKEN:
        return _all_but(resource_type, rows.where(or_(*map(_token, criterion.choices))))
    if criterion.modifier == "identifier" and parameter.kind is Kind.REFERENCE:
        rows = _rows(resource_type, f"{parameter.name}:identifier")
        return rows.where(or_(*map(_token, criterion.choices)))
    return rows.where(or_(*(_match(criterion, choice) for choice in criterion.choices)))


def _rows(resource_type: str, parameter: str) -> Ids:
    """Never tied to the SELECT around it: each stands for a set of its own."""
    ids = select(FhirSearchRow.resource_id.label("id")).correlate(None)
    return ids.where(
        FhirSearchRow.resource_type == resource_type, FhirSearchRow.parameter == parameter
    )


def _all_but(resource_type: str, ids: Ids) -> Ids:
    others = select(FhirRow.id.label("id")).correlate(None)
    return others.where(FhirRow.resource_type == resource_type, FhirRow.id.not_in(ids))


def _missing(criterion: _Criterion, rows: Ids) -> Ids:
    if criterion.value not in ("true", "false"):
        raise BadValue(criterion.name, "true or false")
    return _all_but(criterion.resource_type, rows) if criterion.value == "true" else rows


def _chain(criterion: _Criterion) -> Ids:
    """patient.identifier=...: the reference leads to a resource for which the rest holds."""
    parameter, modifier = criterion.parameter, criterion.modifier
    if parameter.kind is not Kind.REFERENCE:
        raise BadValue(criterion.name, "a reference before the dot of a chain")
    found = {
        target: matching(target, criterion.chained, criterion.value, criterion.base)
        for target in parameter.targets
        if target in PARAMETERS and modifier in ("", target)
    }
    conditions = [
        FhirSearchRow.value.in_(select(literal(f"{target}/") + ids.subquery().c.id))
        for target, ids in found.items()
        if ids is not None
    ]
    if not conditions:
        raise BadValue(criterion.name, "a search parameter of the resource type referred to")
    return _rows(criterion.resource_type, parameter.name).where(or_(*conditions))


def _match(criterion: _Criterion, choice: str) -> Condition:
    parameter, modifier, text = criterion.parameter, criterion.modifier, _unescaped(choice)
    if parameter.kind is Kind.REFERENCE and modifier in ("", *parameter.targets):
        return _reference(text, (modifier,) if modifier else parameter.targets, criterion.base)
    if parameter.kind is Kind.STRING and modifier == "contains":
        return FhirSearchRow.value.contains(folded(text), autoescape=True)
    if modifier:
        raise BadValue(criterion.name, "a modifier that this parameter has")
    if parameter.kind is Kind.TOKEN:
        return _token(choice)
    if parameter.kind is Kind.DATE:
        return _date(parameter.name, text)
    return FhirSearchRow.value.startswith(folded(text), autoescape=True)


def _token(choice: str) -> Condition:
    """code; system|code; |code, without a system; system|, any code of it."""
    system, *codes = map(_unescaped, _split(choice, "|"))
    if not codes:
        return FhirSearchRow.value == system
    code = "|".join(codes)
    return and_(FhirSearchRow.system == system, FhirSearchRow.value == code if code else true())


def _reference(text: str, targets: tuple[str, ...], base: str) -> Condition:
    """id, Type/id, or the URL of a resource here; the version is passed over."""
    local = text.removeprefix(f"{base}/").partition("/_history/")[0]
    wanted = [local] if "/" in local else [f"{target}/{local}" for target in targets]
    return FhirSearchRow.value.in_(
        [one for one in wanted if one.partition("/")[0] in targets or "://" in one]
    )


def _date(name: str, text: str) -> Condition:
    match = _PREFIXED.fullmatch(text.replace(" ", "+"))  # an unescaped + arrives as a space
    prefix = (match[1] or "eq") if match else ""
    try:
        low, high = period_of(match[2] if match else "")
        return _PREFIXES[prefix](low, high)
    except (ValueError, OverflowError, KeyError) as error:
        raise BadValue(
            name, f"a date such as 2024-05-04, after one of {', '.join(_PREFIXES)} or nothing"
        ) from error


def _split(text: str, separator: str) -> list[str]:
    """Split where no backslash stands before the separator (search.html 3.1.1.4.0.1)."""
    pieces = [""]
    for character in re.findall(r"\\.|.", text, re.DOTALL):
        if character == separator:
            pieces.append("")
        else:
            pieces[-1] += character
    return pieces


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
