"""What a rule is asked about: one series, in its study, and how the study came."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from standards.attribute_path import attribute_path
from standards.study import Series, Study, value

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who sent a study, from where, and when its last instance came (seconds since the epoch)."""

    calling_ae_title: str = ""
    called_ae_title: str = ""
    source_address: str = ""
    at: float = 0.0

    @property
    def local(self) -> datetime | None:
        """In the time zone that the gateway runs in (TZ), as a rule's opening hours mean it."""
        return datetime.fromtimestamp(self.at).astimezone() if self.at else None


@dataclass(frozen=True)
class Subject:
    series: Series
    study: Study
    arrival: Arrival = field(default_factory=Arrival)

    def values(self, attribute: str) -> list[Any]:
        """Of the arrival, counted, or of the first header of the series; [] when there is none."""
        if attribute in COMPUTED:
            return [found for found in COMPUTED[attribute][1](self) if found not in (None, "")]
        return attribute_path(attribute).values(self.series.first)

    @cached_property
    def frames(self) -> int:
        """The most that one instance of the series has."""
        return max(int(value(header, "NumberOfFrames", 1) or 1) for header in self.series.headers)


# What the gateway works out itself: attribute -> (kind of its values, how they are had). Counts
# have the keywords of PS3.4 Table C.6.1-5, for which nobody needs to have written them.
COMPUTED: dict[str, tuple[str, Callable[[Subject], list[Any]]]] = {
    "CallingAETitle": ("text", lambda s: [s.arrival.calling_ae_title]),
    "CalledAETitle": ("text", lambda s: [s.arrival.called_ae_title]),
    "SourceAddress": ("address", lambda s: [s.arrival.source_address]),
    "ArrivalTime": ("time", lambda s: [(at := s.arrival.local) and at.strftime("%H%M%S")]),
    "ArrivalWeekday": ("text", lambda s: [(at := s.arrival.local) and WEEKDAYS[at.weekday()]]),
    "NumberOfStudyRelatedSeries": ("number", lambda s: [len(s.study.series)]),
    "NumberOfStudyRelatedInstances": (
        "number",
        lambda s: [sum(len(series.headers) for series in s.study.series)],
    ),
    "NumberOfSeriesRelatedInstances": ("number", lambda s: [len(s.series.headers)]),
    "NumberOfFrames": ("number", lambda s: [s.frames]),
    "ModalitiesInStudy": (
        "text",
        lambda s: sorted({str(series.value("Modality", "")) for series in s.study.series}),
    ),
}
