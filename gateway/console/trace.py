"""A study's events as a timeline from first byte to last result, and why series were chosen.

The kinds of events and what their detail holds: gateway/store/event_kinds.py.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.console.turnaround import seconds_to_result
from gateway.store.event_kinds import title_of
from gateway.store.tables import EventRow

ROUTINGS = frozenset({"routed", "not_routed", "shadow_routed", "no_rule_matched"})
HIDDEN = frozenset({"progress"})  # the bar of the workitem shows the last of them
SHOWN_ELSEWHERE = frozenset(
    {"name", "seconds", "passed_over", "series_instance_uid", "chosen_because", "score"}
)


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline. `start` and `end` are seconds since the first event."""

    title: str
    kind: str
    start: float
    end: float
    facts: tuple[tuple[str, str], ...]

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Trace:
    """began_at: seconds since the epoch. total: see gateway/console/turnaround.py."""

    began_at: float
    total: float
    moments: tuple[Moment, ...]

    @property
    def span(self) -> float:
        """What the time axis must hold; never 0, so that it can divide."""
        return max([moment.end for moment in self.moments] + [0.001])


@dataclass(frozen=True, slots=True)
class Candidate:
    """One series that a model's selector looked at."""

    series_instance_uid: str
    description: str
    reason: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """What one rule chose for one model, and why it chose nothing else.

    Rule and model are empty where no rule matched; `reason` says why nothing came of it.
    """

    rule: str
    model: str
    reason: str
    candidates: tuple[Candidate, ...]


def trace_of(events: Sequence[EventRow]) -> Trace:
    """Events in the order of their time. A step is noted at its end and says how long it took."""
    events = [event for event in events if event.kind not in HIDDEN]
    if not events:
        return Trace(0.0, 0.0, ())
    details = [json.loads(event.detail) for event in events]
    starts = [
        event.at - float(detail.get("seconds") or 0)
        for event, detail in zip(events, details, strict=True)
    ]
    began = min(starts)
    moments = tuple(
        Moment(_title(event, detail), event.kind, start - began, event.at - began, _facts(detail))
        for event, detail, start in zip(events, details, starts, strict=True)
    )
    return Trace(began, seconds_to_result(events), moments)


def selections(events: Iterable[EventRow]) -> Iterable[Selection]:
    for event in events:
        if event.kind in ROUTINGS:
            yield _selection(json.loads(event.detail))


def _selection(detail: dict[str, Any]) -> Selection:
    because = detail.get("chosen_because", "")
    chosen = [
        Candidate(item["series_instance_uid"], item["description"], _for_input(item), True)
        for item in detail.get("inputs", [])
    ] or [
        Candidate(uid, detail.get("description", ""), because, True)
        for uid in [detail.get("series_instance_uid")]
        if uid
    ]
    passed_over = [
        Candidate(item["series_instance_uid"], item["description"], item["reason"], False)
        for item in detail.get("passed_over", [])
    ]
    return Selection(
        detail.get("rule", ""),
        detail.get("model", ""),
        detail.get("reason", ""),
        (*chosen, *passed_over),
    )


def _title(event: EventRow, detail: dict[str, Any]) -> str:
    if event.kind == "step":
        name = str(detail.get("name", "step")).replace("_", " ")
        return name[:1].upper() + name[1:]
    return title_of(event.kind)


def _for_input(item: dict[str, Any]) -> str:
    return f"{item['name']}: {item['reason']}"


def _facts(detail: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The single values of a detail; lists and trees have their own place on the page."""
    return tuple(
        (key.replace("_", " "), _said(key, value))
        for key, value in detail.items()
        if key not in SHOWN_ELSEWHERE
        and value not in ("", None)
        and not isinstance(value, list | dict)
    )


def _said(key: str, value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value / 1e6:.1f} MB" if key == "bytes" and isinstance(value, int) else str(value)
