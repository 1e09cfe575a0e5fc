"""DICOM dates and times as FHIR writes them."""

import re
from datetime import datetime

from pydicom import Dataset

_TIME = re.compile(r"(\d{2})(\d{2})?(\d{2})?")
_OFFSET = re.compile(r"([+-]\d{2})(\d{2})")


def date_of(value: object) -> str | None:
    """A DA value as YYYY-MM-DD; None when empty or not a calendar day."""
    text = str(value or "").strip().replace(".", "")
    try:
        return datetime.strptime(text, "%Y%m%d").date().isoformat() if len(text) == 8 else None
    except ValueError:
        return None


def datetime_of(header: Dataset, date_keyword: str, time_keyword: str) -> str | None:
    """A DA and TM pair as dateTime, in the time zone of (0008,0201).

    FHIR wants a zone with every time; where the header states none, the day alone is said.
    """
    day = date_of(header.get(date_keyword))
    offset = _OFFSET.fullmatch(str(header.get("TimezoneOffsetFromUTC") or "").strip())
    time = _TIME.match(str(header.get(time_keyword) or ""))
    if day is None or offset is None or time is None:
        return day
    hour, minute, second = (part or "00" for part in time.groups())
    text = f"{day}T{hour}:{minute}:{second}{offset[1]}:{offset[2]}"
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return day
    return text


def instant_of(moment: datetime) -> str:
    """An aware datetime as FHIR instant, to the millisecond."""
    return moment.isoformat(timespec="milliseconds")


def study_time(header: Dataset) -> str | None:
    """When the patient was imaged, as far as the header tells it."""
    return datetime_of(header, "StudyDate", "StudyTime") or date_of(header.get("SeriesDate"))
