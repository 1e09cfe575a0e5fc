"""The content tree of an SR or Key Object document as words for people: PS3.3 C.17.3, C.18.

`document` reads it once; standards/sr_text.py and standards/sr_html.py only lay it out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID

from standards.errors import LimitExceeded

MOST_ITEMS = 50_000

# Relationship Type (0040,A010) as words, PS3.3 C.17.3.2.4. "CONTAINS" needs none.
_RELATIONSHIPS = {
    "HAS OBS CONTEXT": "observation context",
    "HAS ACQ CONTEXT": "acquisition context",
    "HAS CONCEPT MOD": "modifier",
    "HAS PROPERTIES": "property",
    "INFERRED FROM": "inferred from",
    "SELECTED FROM": "selected from",
}
_TELLING = ("inferred from", "selected from")
_PROCESSING_EQUIPMENT = "109102"  # DCM: what IHE AIR names the algorithm with
_DEVICE_OBSERVER = "121007"  # DCM, CID 270


@dataclass(frozen=True)
class Reference:
    """An instance that the document points at. detail: its frames, segments or channels."""

    kind: str
    sop_instance_uid: str
    detail: str = ""


@dataclass(frozen=True)
class Item:
    """One content item. position: as 1.2.3, the way by-reference relationships name it.

    value: may have several lines.   code: value and scheme designator of a coded value.
    target: position of the item that a by-reference relationship points at.
    """

    position: str
    relationship: str
    value_type: str
    name: str
    value: str = ""
    code: str = ""
    references: tuple[Reference, ...] = ()
    observed: str = ""
    children: tuple["Item", ...] = ()
    target: str = ""

    @property
    def is_container(self) -> bool:
        return self.value_type == "CONTAINER"

    @property
    def how(self) -> str:
        """The relationship to the item above, where a reader has to know it."""
        return self.relationship if not self.name or self.relationship in _TELLING else ""


@dataclass(frozen=True)
class Document:
    """patient, about: pairs of a label and a value, in the order in which they are shown.

    flags: how far the document may be trusted, the worst news first.
    """

    title: str
    language: str
    patient: tuple[tuple[str, str], ...]
    about: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    content: tuple[Item, ...]


def is_document(sop_class_uid: str) -> bool:
    """SR and Key Object documents: SOP Classes of PS3.4 B.5 with the SR Document Content module."""
    return sop_class_uid.startswith("1.2.840.10008.5.1.4.1.1.88.")


def document(dataset: Dataset) -> Document:
    """Read a document. What is missing is left out; nothing of the content tree is.

    Raises LimitExceeded for more than MOST_ITEMS content items.
    """
    reader = _Reader()
    content = reader.children(dataset, "1")
    return Document(
        title=_meaning(dataset, "ConceptNameCodeSequence")
        or _text(dataset, "Modality")
        or "Report",
        language=_language(content),
        patient=_pairs(dataset, _PATIENT),
        about=(*_pairs(dataset, _ABOUT), *_makers(dataset), *_verifiers(dataset)),
        flags=_flags(dataset),
        content=content,
    )


class _Reader:
    """Counts what it reads, since a tree from outside may be of any size."""

    def __init__(self) -> None:
        self._count = 0

    def children(self, parent: Dataset, position: str) -> tuple[Item, ...]:
        return tuple(
            self._item(item, f"{position}.{number}")
            for number, item in enumerate(_items(parent, "ContentSequence"), start=1)
        )

    def _item(self, item: Dataset, position: str) -> Item:
        self._count += 1
        if self._count > MOST_ITEMS:
            raise LimitExceeded(f"a document of more than {MOST_ITEMS} content items")
        value_type = _text(item, "ValueType")
        relationship = _RELATIONSHIPS.get(_text(item, "RelationshipType"), "")
        name = _meaning(item, "ConceptNameCodeSequence")
        target = _values(item, "ReferencedContentItemIdentifier")
        if target:
            place = ".".join(str(number) for number in target)
            return Item(position, relationship, "", name, target=place)
        value, code, references = _VALUES.get(value_type, _unknown)(item)
        return Item(
            position,
            relationship,
            value_type,
            name,
            value,
            code,
            tuple(references),
            _moment(_text(item, "ObservationDateTime")),
            self.children(item, position),
        )


_Value = tuple[str, str, Sequence[Reference]]


def _container(item: Dataset) -> _Value:
    return "", "", ()


def _text_value(item: Dataset) -> _Value:
    return _text(item, "TextValue").replace("\r\n", "\n").replace("\r", "\n"), "", ()


def _code_value(item: Dataset) -> _Value:
    for code in _items(item, "ConceptCodeSequence")[:1]:
        return _text(code, "CodeMeaning"), _code(code), ()
    return "", "", ()


def _number_value(item: Dataset) -> _Value:
    qualifier = _meaning(item, "NumericValueQualifierCodeSequence")
    for measured in _items(item, "MeasuredValueSequence")[:1]:
        number = _text(measured, "NumericValue")
        value = f"{number} {_unit(measured)}".strip()
        return (f"{value} ({qualifier})" if qualifier else value), "", ()
    return qualifier or "no value", "", ()


def _unit(measured: Dataset) -> str:
    """The symbol that people know is mostly the UCUM code; {counts} and 1 are not."""
    for code in _items(measured, "MeasurementUnitsCodeSequence")[:1]:
        symbol, meaning = _text(code, "CodeValue"), _text(code, "CodeMeaning")
        if symbol == "1":
            return ""
        return meaning if not symbol or symbol[0] in "{[" else symbol
    return ""


def _moment_value(item: Dataset) -> _Value:
    return _moment(_text(item, "DateTime")), "", ()


def _date_value(item: Dataset) -> _Value:
    return _date(_text(item, "Date")), "", ()


def _time_value(item: Dataset) -> _Value:
    return _time(_text(item, "Time")), "", ()


def _uid_value(item: Dataset) -> _Value:
    return _text(item, "UID"), "", ()


def _name_value(item: Dataset) -> _Value:
    return _person(item, "PersonName"), "", ()


def _reference_value(item: Dataset) -> _Value:
    return "", "", tuple(_references(item))


def _coordinates_value(item: Dataset) -> _Value:
    """The kind and its points; a long outline is cut, since nobody reads it."""
    kind = _text(item, "GraphicType").lower()
    numbers = _values(item, "GraphicData")
    size = 3 if _text(item, "ValueType") == "SCOORD3D" else 2
    points = [
        "(" + ", ".join(f"{float(number):g}" for number in numbers[start : start + size]) + ")"
        for start in range(0, len(numbers), size)
    ]
    shown = " ".join(points[:4]) + (f" ... {len(points)} points" if len(points) > 4 else "")
    space = " mm, in the patient" if size == 3 else ""
    return f"{kind} {shown}{space}".strip(), "", ()


def _times_value(item: Dataset) -> _Value:
    kind = _text(item, "TemporalRangeType").lower()
    for keyword, what in (
        ("ReferencedSamplePositions", "samples"),
        ("ReferencedTimeOffsets", "seconds"),
        ("ReferencedDateTime", "at"),
    ):
        found = _values(item, keyword)
        if found:
            return f"{kind}, {what} {', '.join(str(each) for each in found[:20])}", "", ()
    return kind, "", ()


def _unknown(item: Dataset) -> _Value:
    kind = _text(item, "ValueType") or "none"
    return f"(a value of type {kind[:16]}, which is not shown here)", "", tuple(_references(item))


_VALUES = {
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
    for reference in _items(item, "ReferencedSOPSequence"):
        details = [
            f"{word} {', '.join(str(number) for number in _values(reference, keyword))}"
            for keyword, word in (
                ("ReferencedFrameNumber", "frame"),
                ("ReferencedSegmentNumber", "segment"),
                ("ReferencedWaveformChannels", "channel"),
            )
            if _values(reference, keyword)
        ]
        yield _reference(reference, "; ".join(details))
        for state in _items(reference, "ReferencedSOPSequence"):
            yield _reference(state, "how it was shown")


def _reference(reference: Dataset, detail: str) -> Reference:
    name = UID(_text(reference, "ReferencedSOPClassUID")).name or "instance"
    kind = name.replace(" Storage", "").replace(" - For Presentation", "")
    return Reference(kind, _text(reference, "ReferencedSOPInstanceUID"), detail)


def _flags(dataset: Dataset) -> tuple[str, ...]:
    """PS3.3 C.17.2.1, and who says so: a document that no person has verified must not look so."""
    flags = []
    if _text(dataset, "PreliminaryFlag") == "PRELIMINARY":
        flags.append("PRELIMINARY")
    if _text(dataset, "CompletionFlag"):
        reason = _text(dataset, "CompletionFlagDescription")
        flags.append(_text(dataset, "CompletionFlag") + (f": {reason}" if reason else ""))
    if _text(dataset, "VerificationFlag"):
        flags.append(_text(dataset, "VerificationFlag"))
    if _is_made_by_device(dataset):
        flags.insert(0, "MADE BY SOFTWARE (AI)")
    return tuple(flags)


def _is_made_by_device(dataset: Dataset) -> bool:
    """Processing equipment with its Device UID is named, as IHE AIR asks, or devices alone have
    observed.
    """
    algorithms = [
        equipment
        for equipment in _items(dataset, "ContributingEquipmentSequence")
        if _code_of(equipment, "PurposeOfReferenceCodeSequence") == _PROCESSING_EQUIPMENT
        and _text(equipment, "DeviceUID")
    ]
    observers = {
        _text(code, "CodeValue")
        for item in _items(dataset, "ContentSequence")
        if _code_of(item, "ConceptNameCodeSequence") == "121005"  # Observer Type
        for code in _items(item, "ConceptCodeSequence")
    }
    return bool(algorithms) or observers == {_DEVICE_OBSERVER}


def _makers(dataset: Dataset) -> Iterator[tuple[str, str]]:
    for equipment in _items(dataset, "ContributingEquipmentSequence"):
        parts = [
            _text(equipment, keyword)
            for keyword in ("Manufacturer", "ManufacturerModelName", "SoftwareVersions")
        ]
        purpose = _meaning(equipment, "PurposeOfReferenceCodeSequence") or "Equipment"
        yield purpose, " ".join(filter(None, parts))


def _verifiers(dataset: Dataset) -> Iterator[tuple[str, str]]:
    for verifier in _items(dataset, "VerifyingObserverSequence"):
        parts = (
            _person(verifier, "VerifyingObserverName"),
            _text(verifier, "VerifyingOrganization"),
            _moment(_text(verifier, "VerificationDateTime")),
        )
        yield "Verified by", ", ".join(filter(None, parts))


def _language(content: Sequence[Item]) -> str:
    """Of the root, as TID 1204 gives it, when it is a tag that HTML knows (RFC 5646)."""
    for item in content:
        tag = item.code.partition(" ")[0]
        if item.name.startswith("Language of Content Item") and _is_language_tag(tag):
            return tag
    return "en"


def _is_language_tag(tag: str) -> bool:
    return tag.isascii() and tag.replace("-", "").isalnum() and 2 <= len(tag) <= 12


def _pairs(dataset: Dataset, wanted: Sequence[tuple[str, str, Any]]) -> tuple[tuple[str, str], ...]:
    found = []
    for label, keyword, shown in wanted:
        value = _person(dataset, keyword) if shown is _person else shown(_text(dataset, keyword))
        if value:
            found.append((label, value))
    return tuple(found)


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdigit() else text


def _time(text: str) -> str:
    whole = text.partition(".")[0]
    return ":".join(whole[place : place + 2] for place in range(0, len(whole), 2))


def _moment(text: str) -> str:
    if len(text) < 8:
        return text
    zone = text[-5:] if text[-5:-4] in ("+", "-") else ""
    stamp = text.removesuffix(zone)
    return " ".join(filter(None, (_date(stamp[:8]), _time(stamp[8:]), zone)))


def _unchanged(text: str) -> str:
    return text


def _person(dataset: Dataset, keyword: str) -> str:
    """Each group of the name as people write it: family name, given names."""
    shown = []
    for group in _text(dataset, keyword).split("="):
        family, *others = [part.strip() for part in group.split("^")]
        rest = " ".join(part for part in others if part)
        shown.append(", ".join(filter(None, (family, rest))))
    return " / ".join(filter(None, shown))


_PATIENT = (
    ("Patient", "PatientName", _person),
    ("Patient ID", "PatientID", _unchanged),
    ("Birth date", "PatientBirthDate", _date),
    ("Sex", "PatientSex", _unchanged),
)
_ABOUT = (
    ("Study", "StudyDescription", _unchanged),
    ("Study date", "StudyDate", _date),
    ("Accession number", "AccessionNumber", _unchanged),
    ("Referring physician", "ReferringPhysicianName", _person),
    ("Document date", "ContentDate", _date),
    ("Document time", "ContentTime", _time),
    ("Institution", "InstitutionName", _unchanged),
    ("Manufacturer", "Manufacturer", _unchanged),
    ("Model", "ManufacturerModelName", _unchanged),
)


def _items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    found = dataset.get(keyword)
    return found if isinstance(found, Sequence) and not isinstance(found, str) else ()


def _values(dataset: Dataset, keyword: str) -> list[Any]:
    found = dataset.get(keyword)
    if found is None or found == "":
        return []
    return list(found) if isinstance(found, MultiValue | list | tuple) else [found]


def _text(dataset: Dataset, keyword: str) -> str:
    """A value as text. One that its VR does not allow is shown as it is, or not at all."""
    try:
        return "\\".join(str(value) for value in _values(dataset, keyword)).strip(" \0")
    except (ValueError, TypeError, AttributeError, NotImplementedError):
        return ""


def _meaning(dataset: Dataset, keyword: str) -> str:
    return next((_text(code, "CodeMeaning") for code in _items(dataset, keyword)), "")


def _code_of(dataset: Dataset, keyword: str) -> str:
    return next((_text(code, "CodeValue") for code in _items(dataset, keyword)), "")


def _code(code: Dataset) -> str:
    value = _text(code, "CodeValue") or _text(code, "LongCodeValue") or _text(code, "URNCodeValue")
    return f"{value} {_text(code, 'CodingSchemeDesignator')}".strip()
