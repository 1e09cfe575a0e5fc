"""Dates, times and moments as texts that sort by meaning (PS3.5 6.2: DA, TM, DT).

A date is YYYYMMDD, a time HHMMSS.FFFFFF, a moment both. Offsets from UTC are whole minutes.
"""

import re
from datetime import datetime, timedelta

_DATE = re.compile(r"(\d{4})\.?(0[1-9]|1[0-2])\.?(0[1-9]|[12]\d|3[01])", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3])(?::?([0-5]\d)(?::?([0-5]\d|60)(?:\.(\d{1,6}))?)?)?", re.ASCII)
_OFFSET = re.compile(r"([+-])(0\d|1[0-4])([0-5]\d)", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}(?:(?:0[1-9]|1[0-2])(?:(?:0[1-9]|[12]\d|3[01])"
    r"(?:(?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?)?)?)?)"
    r"([+-](?:0\d|1[0-4])[0-5]\d)?",
    re.ASCII,
)
FIRST_DATE, LAST_DATE = "00000000", "99999999"
FIRST_TIME, LAST_TIME = "000000.000000", "235960.999999"
FIRST_MOMENT, LAST_MOMENT = "00000101000000.000000", "99991231235960.999999"
_WRITTEN = "%Y%m%d%H%M%S.%f"


def full_date(text: str) -> str:
    """YYYYMMDD, "" for what is no date. YYYY.MM.DD of ACR-NEMA is understood too."""
    found = _DATE.fullmatch(text.strip())
    return "".join(found.groups()) if found else ""


def full_time(text: str) -> str:
    """HHMMSS.FFFFFF, "" for what is no time. Parts that are missing are zero."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        return ""
    hour, minute, second, fraction = found.groups(default="")
    return f"{hour}{minute:0<2}{second:0<2}.{fraction:0<6}"


def latest_time(text: str) -> str:
    """As full_time, but parts that are missing are the latest: 1015 is the whole minute."""
    digits = text.strip().replace(":", "")
    return full_time(text) and digits + "235959.999999"[len(digits) :]


def offset(text: str) -> int | None:
    """Minutes of &ZZXX (PS3.3 C.12.1.1.8), None for what is no offset."""
    found = _OFFSET.fullmatch(text)
    if not found:
        return None
    sign, hours, minutes = found.groups()
    return (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1)


def moments(text: str) -> tuple[str, str, int | None] | None:
    """The first and last moment of a DT, whose last parts may be missing, and its offset."""
    found = _MOMENT.fullmatch(text.strip())
    if not found:
        return None
    digits, zone = found.groups()
    last = digits + LAST_MOMENT[len(digits) :]
    return digits + FIRST_MOMENT[len(digits) :], last, offset(zone or "")


def shifted(moment: str, minutes: int) -> str:
    """A moment so many minutes later; what the calendar does not know stays as it is."""
    if not minutes:
        return moment
    try:
        return (datetime.strptime(moment, _WRITTEN) + timedelta(minutes=minutes)).strftime(_WRITTEN)
    except (ValueError, OverflowError):
        return moment


def in_zone(moment: str, zone: int | None, wanted: int | None) -> str:
    """A moment of one offset as a clock of another shows it; an offset unknown changes nothing."""
    return moment if zone is None or wanted is None else shifted(moment, wanted - zone)
