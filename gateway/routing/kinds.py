"""How values are compared: each kind reads what a rule wants and what a header holds alike."""

import math
import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from gateway.routing.subject import COMPUTED
from standards.attribute_path import attribute_path
from standards.temporal import full_date, full_time, moments
from standards.vrs import FLOATS, INTEGERS

DAYS_IN_A_YEAR = 365.25
_YEARS = {"D": 1 / DAYS_IN_A_YEAR, "W": 7 / DAYS_IN_A_YEAR, "M": 1 / 12, "Y": 1.0}
_AGE = re.compile(r"(\d{1,3})([DWMY])", re.ASCII)

# PS3.5 6.2. What is not here is text; "US or SS" of the dictionary begins with one that is.
_KIND_OF_VR = {
    **dict.fromkeys((*INTEGERS, *FLOATS, "DS", "IS"), "number"),
    "AS": "age",
    "DA": "date",
    "TM": "time",
    "DT": "moment",
    "SQ": "sequence",
    "UN": "unknown",
}


def kind_of(attribute: str) -> str:
    """Raises UnknownAttribute."""
    if attribute in COMPUTED:
        return COMPUTED[attribute][0]
    return _KIND_OF_VR.get(attribute_path(attribute).vr[:2], "text")


def read(kind: str, value: Any) -> Any:
    """A value to compare with others of its kind; None when it is none, so nothing holds for it."""
    return READERS[kind](value)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _age(value: Any) -> float | None:
    """Years. PS3.5 6.2, AS: 018M is a year and a half; a bare number is years."""
    if isinstance(value, int | float):
        return float(value)
    found = _AGE.fullmatch(str(value).strip())
    return int(found[1]) * _YEARS[found[2]] if found else None


def _date(value: Any) -> str | None:
    return full_date(str(value).replace("-", "")) or None


def _time(value: Any) -> str | None:
    return (full_time(value) or None) if isinstance(value, str) else None


def _moment(value: Any) -> str | None:
    found = moments(str(value))
    return found[0] if found else None


def _network(value: Any) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(str(value), strict=False)
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) else None


READERS: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "age": _age,
    "date": _date,
    "time": _time,
    "moment": _moment,
    "address": _network,
    "text": _text,
}

# What a rule is told when its value is none of the kind.
EXPECTED = {
    "number": "a number",
    "age": "years as a number, or an age such as 018Y or 006M",
    "date": "a date such as 2026-03-14 or 20260314",
    "time": "a time in quotes such as '07:30'",
    "moment": "a date and time such as 20260314073000",
    "address": "an IP address or network such as 10.1.0.0/16",
    "text": "text; put it in quotes",
}
ORDERED = frozenset(("number", "age", "date", "time", "moment", "unknown"))


def equal(kind: str, found: Any, wanted: Any) -> bool:
    if kind == "address":
        return found.version == wanted.version and found.subnet_of(wanted)
    return found == wanted
