"""Changing what a sender wrote, and saying so: Original Attributes Sequence, PS3.3 C.12.1.1.9."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import BaseTag

from standards.dicom_json import attributes_of
from standards.part10 import Header

Json = dict[str, Any]

MODIFYING_SYSTEM = "Airgate"
ISSUER_OF_PATIENT_ID, ORIGINAL_ATTRIBUTES = "00100021", "04000561"

_MODIFIED, _MODIFIED_AT, _MODIFIED_BY = "04000550", "04000562", "04000563"
_SOURCE, _REASON = "04000564", "04000565"
_TOLD = (_MODIFIED_BY, _REASON)


@dataclass(frozen=True, slots=True)
class Coercion:
    """What is changed in one instance, as DICOM JSON.

    changed:  the new attributes by tag.
    item:  what is added to Original Attributes Sequence: their former values, when, by whom, why.
    """

    changed: Json
    item: Json


def issuer_coercion(
    attributes: Mapping[str, Any], issuer: str, modified_at: str
) -> Coercion | None:
    """Issuer of Patient ID for an instance that has none; None for one that has.

    modified_at:  a DT value (PS3.5 6.2), with its offset from UTC.
    """
    if attributes.get(ISSUER_OF_PATIENT_ID, {}).get("Value"):
        return None
    former = {"vr": "SQ", "Value": [{ISSUER_OF_PATIENT_ID: {"vr": "LO"}}]}
    item = {
        _MODIFIED: former,
        _MODIFIED_AT: {"vr": "DT", "Value": [modified_at]},
        _MODIFIED_BY: {"vr": "LO", "Value": [MODIFYING_SYSTEM]},
        _SOURCE: {"vr": "LO"},
        _REASON: {"vr": "CS", "Value": ["COERCE"]},
    }
    return Coercion({ISSUER_OF_PATIENT_ID: {"vr": "LO", "Value": [issuer]}}, item)


def coerced(attributes: Mapping[str, Any], coercion: Coercion) -> Json:
    """The attributes as they are after the change, tags ascending."""
    items = [*_items(attributes), coercion.item]
    told = {ORIGINAL_ATTRIBUTES: {"vr": "SQ", "Value": items}}
    return dict(sorted({**attributes, **coercion.changed, **told}.items()))


def coercion_of(attributes: Mapping[str, Any]) -> Json | None:
    """The last item of Original Attributes Sequence that this program wrote, None without one."""
    return next((item for item in reversed(_items(attributes)) if _is_ours(item)), None)


def uncoerced(attributes: Mapping[str, Any]) -> Json:
    """The attributes as they were sent: every change of this program taken back.

    Attributes that were absent, or were there without a value, are absent now.
    """
    restored = dict(attributes)
    kept = []
    for item in reversed(_items(attributes)):
        if _is_ours(item):
            for former in item.get(_MODIFIED, {}).get("Value", []):
                restored.update(former)
        else:
            kept.insert(0, item)
    restored.pop(ORIGINAL_ATTRIBUTES, None)
    if kept:
        restored[ORIGINAL_ATTRIBUTES] = {"vr": "SQ", "Value": kept}
    if "Value" not in restored.get(ISSUER_OF_PATIENT_ID, {"Value": []}):
        del restored[ISSUER_OF_PATIENT_ID]
    return dict(sorted(restored.items()))


def same_as_sent(one: Header, other: Header) -> bool:
    """Whether two headers said the same when they were sent, however sequences are written."""
    return one.transfer_syntax_uid == other.transfer_syntax_uid and (
        uncoerced(attributes_of(one.dataset, None)) == uncoerced(attributes_of(other.dataset, None))
    )


def times_of_coercion(header: Header) -> Iterator[tuple[int, int]]:
    """Where in its buffer an instance says when this program changed it, from byte to byte.

    Two that differ in nothing else were one instance when they were sent.
    """
    sequence = header.dataset.get_item(_tag(ORIGINAL_ATTRIBUTES))
    if not isinstance(sequence, DataElement) or sequence.VR != "SQ":
        return
    for item in sequence.value:
        when = item.get_item(_tag(_MODIFIED_AT))
        if isinstance(when, RawDataElement) and _is_ours(_as_json(item)):
            yield when.value_tell, when.value_tell + when.length


def _as_json(item: Dataset) -> Json:
    """Who changed it, and why."""
    told = Dataset({tag: item.get_item(tag) for tag in map(_tag, _TOLD) if tag in item})
    return attributes_of(told)


def _tag(name: str) -> BaseTag:
    return BaseTag(int(name, 16))


def _items(attributes: Mapping[str, Any]) -> list[Json]:
    return attributes.get(ORIGINAL_ATTRIBUTES, {}).get("Value", [])


def _is_ours(item: Mapping[str, Any]) -> bool:
    by = item.get(_MODIFIED_BY, {}).get("Value")
    return by == [MODIFYING_SYSTEM] and item.get(_REASON, {}).get("Value") == ["COERCE"]
