"""FHIR dates as periods of time: 2024-05 is every millisecond of that month, UTC.

A date without a time zone is taken as UTC, as a server must take it as something.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo

_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_MILLISECOND = 0.001


def period_of(text: str) -> tuple[float, float]:
    """The first and the last millisecond of a date, in seconds since the epoch.

    Raises ValueError when the text is no FHIR date, dateTime or instant.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError("not a FHIR date")
    parts = match.groupdict()
    fraction = parts["fraction"]
    moment = datetime(
        int(parts["year"]),
        int(parts["month"] or 1),
        int(parts["day"] or 1),
        int(parts["hour"] or 0),
        int(parts["minute"] or 0),
        int(parts["second"] or 0),
        int(fraction[:3].ljust(3, "0")) * 1000 if fraction else 0,
        tzinfo=_zone(parts["zone"]),
    )
    low = round(moment.timestamp(), 3)
    if fraction:
        return low, low
    return low, round(_next(moment, parts).timestamp() - _MILLISECOND, 3)


def _zone(text: str | None) -> tzinfo | None:
    return datetime.fromisoformat(f"2000-01-01T00:00:00{text or 'Z'}").tzinfo


def _next(moment: datetime, parts: dict[str, str | None]) -> datetime:
    """The beginning of the next year, month, day, minute or second, by the precision given."""
    if parts["month"] is None:
        return moment.replace(year=moment.year + 1)
    if parts["day"] is None:
        return (moment + timedelta(days=31)).replace(day=1)
    if parts["hour"] is None:
        return moment + timedelta(days=1)
    return moment + (timedelta(minutes=1) if parts["second"] is None else timedelta(seconds=1))


def instant_of(seconds: float) -> str:
    """Seconds since the epoch as FHIR instant, UTC, to the millisecond."""
    text = datetime.fromtimestamp(round(seconds, 3), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
