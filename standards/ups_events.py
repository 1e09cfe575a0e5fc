"""Event reports about workitems: what of a change is told to whom subscribed (PS3.4 CC.2.4).

A report is a DICOM JSON object with the elements of an N-EVENT-REPORT (PS3.18 8.10.5).
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any

from standards.ups_attributes import (
    HUMAN_PERFORMERS,
    PROGRESS,
    READINESS,
    SOP_INSTANCE_UID,
    STATE,
    STATION_NAMES,
)
from standards.ups_rules import has_value, text_of

Json = dict[str, Any]

WORKLIST = "1.2.840.10008.5.1.4.34.5"  # UPS Global Subscription SOP Instance
FILTERED_WORKLIST = "1.2.840.10008.5.1.4.34.5.1"  # UPS Filtered Global Subscription SOP Instance
EVENT_CLASS = "1.2.840.10008.5.1.4.34.6.4"  # Unified Procedure Step - Event SOP Class

MESSAGE_ID = "00000110"
_AFFECTED_CLASS, _AFFECTED_INSTANCE, _EVENT_TYPE = "00000002", "00001000", "00001002"
REASON, _DISCONTINUED = "00741238", "0074100E"
# Procedure Step Progress, its description, Communications URI Sequence.
_OF_PROGRESS = ("00741004", "00741006", "00741008")
_REQUESTING_AE = "00741236"
# What a cancel request may tell the performer (Table CC.2.2-1): reason in words and as a code,
# Contact URI, Contact Display Name.
OF_CANCEL_REQUEST = (REASON, _DISCONTINUED, "0074100A", "0074100C")
_HUMAN_PERFORMER_CODE, _HUMAN_PERFORMERS_ORGANIZATION = "00404009", "00404036"
_SCP_STATUS, _SUBSCRIPTION_LIST, _WORKITEM_LIST = "00741242", "00741244", "00741246"


class EventType(IntEnum):
    """Event Type ID (0000,1002), PS3.4 Table CC.2.4-1."""

    STATE_REPORT = 1
    CANCEL_REQUESTED = 2
    PROGRESS_REPORT = 3
    SCP_STATUS_CHANGE = 4
    ASSIGNED = 5


def reports_of_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Json]:
    """What is told of a change of the data set; before is {} of one that is new (CC.2.4.3)."""
    if _differ(before, after, STATE, READINESS):
        yield state_report(after)
    if _progress(before) != _progress(after) != []:
        yield _report(after, EventType.PROGRESS_REPORT, {PROGRESS: after[PROGRESS]})
    if _differ(before, after, STATION_NAMES, HUMAN_PERFORMERS):
        yield _report(after, EventType.ASSIGNED, _assignment(after))


def state_report(step: Mapping[str, Any]) -> Json:
    """Where it stands: told of each change, and to whoever subscribes to it."""
    told = {tag: step[tag] for tag in (STATE, READINESS) if tag in step}
    for item in step.get(PROGRESS, {}).get("Value") or ():
        told |= {tag: item[tag] for tag in (REASON, _DISCONTINUED) if has_value(item, tag)}
    return _report(step, EventType.STATE_REPORT, told)


def cancel_requested(step: Mapping[str, Any], request: Mapping[str, Any], by: str) -> Json:
    """by:  the AE that asks; over HTTP, a name in its place."""
    told = {tag: request[tag] for tag in OF_CANCEL_REQUEST if has_value(request, tag)}
    told[_REQUESTING_AE] = {"vr": "AE", "Value": [by]}
    return _report(step, EventType.CANCEL_REQUESTED, told)


def status_change(status: str) -> Json:
    """Of the server itself: RESTARTED or GOING DOWN. It keeps subscriptions and workitems."""
    elements = {_SCP_STATUS: status, _SUBSCRIPTION_LIST: "WARM START", _WORKITEM_LIST: "WARM START"}
    told = {tag: {"vr": "CS", "Value": [value]} for tag, value in elements.items()}
    return _about(WORKLIST, EventType.SCP_STATUS_CHANGE, told)


def _assignment(step: Mapping[str, Any]) -> Json:
    told = {STATION_NAMES: step[STATION_NAMES]} if has_value(step, STATION_NAMES) else {}
    for performer in step.get(HUMAN_PERFORMERS, {}).get("Value") or ():
        for tag in (_HUMAN_PERFORMER_CODE, _HUMAN_PERFORMERS_ORGANIZATION):
            if has_value(performer, tag):
                told.setdefault(tag, performer[tag])
    return told


def _progress(step: Mapping[str, Any]) -> list[Json]:
    """What of the progress is worth a report; how it was canceled comes with the state."""
    told = (
        {tag: item[tag] for tag in _OF_PROGRESS if has_value(item, tag)}
        for item in _value(step, PROGRESS)
    )
    return [item for item in told if item]


def _differ(before: Mapping[str, Any], after: Mapping[str, Any], *tags: str) -> bool:
    return any(_value(before, tag) != _value(after, tag) for tag in tags)


def _value(step: Mapping[str, Any], tag: str) -> Any:
    return step.get(tag, {}).get("Value") or []


def _report(step: Mapping[str, Any], event: EventType, told: Mapping[str, Any]) -> Json:
    return _about(text_of(step, SOP_INSTANCE_UID), event, told)


def _about(uid: str, event: EventType, told: Mapping[str, Any]) -> Json:
    report = {
        **told,
        _AFFECTED_CLASS: {"vr": "UI", "Value": [EVENT_CLASS]},
        _AFFECTED_INSTANCE: {"vr": "UI", "Value": [uid]},
        _EVENT_TYPE: {"vr": "US", "Value": [int(event)]},
    }
    return dict(sorted(report.items()))
