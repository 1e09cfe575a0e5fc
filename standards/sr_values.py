"""What a content item says, by its Value Type (0040,A040): PS3.3 C.17.3.2.1, C.18."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.uid import UID

from standards.sr_words import (
    code_of,
    items_of,
    meaning_of,
    person_of,
    shown_date,
    shown_moment,
    shown_time,
    text_of,
    values_of,
)


@dataclass(frozen=True)
class Reference:
    """An instance that the document points at. detail: its frames, segments or channels."""

    kind: str
    sop_instance_uid: str
    detail: str = ""


Value = tuple[str, str, Sequence[Reference]]


def _container(item: Dataset) -> Value:
    return "", "", ()


def _text_value(item: Dataset) -> Value:
    return text_of(item, "TextValue").replace("\r\n", "\n").replace("\r", "\n"), "", ()


def _code_value(item: Dataset) -> Value:
    for code in items_of(item, "ConceptCodeSequence")[:1]:
        return text_of(code, "CodeMeaning"), code_of(code), ()
    return "", "", ()


def _number_value(item: Dataset) -> Value:
    qualifier = meaning_of(item, "NumericValueQualifierCodeSequence")
    for measured in items_of(item, "MeasuredValueSequence")[:1]:
        number = text_of(measured, "NumericValue")
        value = f"{number} {_unit(measured)}".strip()
        return (f"{value} ({qualifier})" if qualifier else value), "", ()
    return qualifier or "no value", "", ()


def _unit(measured: Dataset) -> str:
    """The symbol that people know is mostly the UCUM code; {counts} and 1 are not."""
    for code in items_of(measured, "MeasurementUnitsCodeSequence")[:1]:
        symbol, meaning = text_of(code, "CodeValue"), text_of(code, "CodeMeaning")
        if symbol == "1":
            return ""
        return meaning if not symbol or symbol[0] in "{[" else symbol
    return ""


def _moment_value(item: Dataset) -> Value:
    return shown_moment(text_of(item, "DateTime")), "", ()


def _date_value(item: Dataset) -> Value:
    return shown_date(text_of(item, "Date")), "", ()


def _time_value(item: Dataset) -> Value:
    return shown_time(text_of(item, "Time")), "", ()


def _uid_value(item: Dataset) -> Value:
    return text_of(item, "UID"), "", ()


def _name_value(item: Dataset) -> Value:
    return person_of(item, "PersonName"), "", ()


def _reference_value(item: Dataset) -> Value:
    return "", "", tuple(_references(item))


def _coordinates_value(item: Dataset) -> Value:
    """The kind and its points; a long outline is cut, since nobody reads it."""
    kind = text_of(item, "GraphicType").lower()
    numbers = values_of(item, "GraphicData")
    size = 3 if text_of(item, "ValueType") == "SCOORD3D" else 2
    points = [
        "(" + ", ".join(f"{float(number):g}" for number in numbers[start : start + size]) + ")"
        for start in range(0, len(numbers), size)
    ]
    shown = " ".join(points[:4]) + (f" ... {len(points)} points" if len(points) > 4 else "")
    space = " mm, in the patient" if size == 3 else ""
    return f"{kind} {shown}{space}".strip(), "", ()


def _times_value(item: Dataset) -> Value:
    kind = text_of(item, "TemporalRangeType").lower()
    for keyword, what in (
        ("ReferencedSamplePositions", "samples"),
        ("ReferencedTimeOffsets", "seconds"),
        ("ReferencedDateTime", "at"),
    ):
        found = values_of(item, keyword)
        if found:
            return f"{kind}, {what} {', '.join(str(each) for each in found[:20])}", "", ()
    return kind, "", ()


def unknown_value(item: Dataset) -> Value:
    kind = text_of(item, "ValueType") or "none"
    return f"(a value of type {kind[:16]}, which is not shown here)", "", tuple(_references(item))


VALUES = {
    "CONTAINER": _container,
    "TEXT": _text_value,
    "CODE": _code_value,
    "NUM": _number_value,
    "DATETIME": _moment_value,
    "DATE": _date_value,
    "TIME": _time_value,
    "UIDREF": _uid_value,
    "PNAME": _name_value,
    "IMAGE": _reference_value,
    "COMPOSITE": _reference_value,
    "WAVEFORM": _reference_value,
    "SCOORD": _coordinates_value,
    "SCOORD3D": _coordinates_value,
    "TCOORD": _times_value,
}


def _references(item: Dataset) -> Iterator[Reference]:
    for reference in items_of(item, "ReferencedSOPSequence"):
        details = [
            f"{word} {', '.join(str(number) for number in values_of(reference, keyword))}"
            for keyword, word in (
                ("ReferencedFrameNumber", "frame"),
                ("ReferencedSegmentNumber", "segment"),
                ("ReferencedWaveformChannels", "channel"),
            )
            if values_of(reference, keyword)
        ]
        yield _reference(reference, "; ".join(details))
        for state in items_of(reference, "ReferencedSOPSequence"):
            yield _reference(state, "how it was shown")


def _reference(reference: Dataset, detail: str) -> Reference:
    name = UID(text_of(reference, "ReferencedSOPClassUID")).name or "instance"
    kind = name.replace(" Storage", "").replace(" - For Presentation", "")
    return Reference(kind, text_of(reference, "ReferencedSOPInstanceUID"), detail)
