"""What the header of a document tells its reader: of whom, by whom, how far to trust it."""

from collections.abc import Callable, Iterator, Sequence

from pydicom import Dataset

from standards.sr_words import (
    code_value_of,
    items_of,
    meaning_of,
    person_of,
    shown_date,
    shown_moment,
    shown_time,
    text_of,
)

_PROCESSING_EQUIPMENT = "109102"  # DCM: what IHE AIR names the algorithm with
_DEVICE_OBSERVER = "121007"  # DCM, CID 270

Pairs = tuple[tuple[str, str], ...]  # of a label and a value


def _date(dataset: Dataset, keyword: str) -> str:
    return shown_date(text_of(dataset, keyword))


def _time(dataset: Dataset, keyword: str) -> str:
    return shown_time(text_of(dataset, keyword))


_Wanted = tuple[str, str, Callable[[Dataset, str], str]]  # label, keyword, how it is shown
_PATIENT: Sequence[_Wanted] = (
    ("Patient", "PatientName", person_of),
    ("Patient ID", "PatientID", text_of),
    ("Birth date", "PatientBirthDate", _date),
    ("Sex", "PatientSex", text_of),
)
_ABOUT: Sequence[_Wanted] = (
    ("Study", "StudyDescription", text_of),
    ("Study date", "StudyDate", _date),
    ("Accession number", "AccessionNumber", text_of),
    ("Referring physician", "ReferringPhysicianName", person_of),
    ("Document date", "ContentDate", _date),
    ("Document time", "ContentTime", _time),
    ("Institution", "InstitutionName", text_of),
    ("Manufacturer", "Manufacturer", text_of),
    ("Model", "ManufacturerModelName", text_of),
)


def patient(dataset: Dataset) -> Pairs:
    return tuple(_told(dataset, _PATIENT))


def about(dataset: Dataset) -> Pairs:
    return (*_told(dataset, _ABOUT), *_makers(dataset), *_verifiers(dataset))


def flags(dataset: Dataset) -> tuple[str, ...]:
    """PS3.3 C.17.2.1, and who says so: a document that no person has verified must not look so."""
    found = []
    if text_of(dataset, "PreliminaryFlag") == "PRELIMINARY":
        found.append("PRELIMINARY")
    if text_of(dataset, "CompletionFlag"):
        reason = text_of(dataset, "CompletionFlagDescription")
        found.append(text_of(dataset, "CompletionFlag") + (f": {reason}" if reason else ""))
    if text_of(dataset, "VerificationFlag"):
        found.append(text_of(dataset, "VerificationFlag"))
    if _is_made_by_device(dataset):
        found.insert(0, "MADE BY SOFTWARE (AI)")
    return tuple(found)


def _is_made_by_device(dataset: Dataset) -> bool:
    """Processing equipment with its Device UID is named, as IHE AIR asks, or devices alone have
    observed.
    """
    algorithms = [
        equipment
        for equipment in items_of(dataset, "ContributingEquipmentSequence")
        if code_value_of(equipment, "PurposeOfReferenceCodeSequence") == _PROCESSING_EQUIPMENT
        and text_of(equipment, "DeviceUID")
    ]
    observers = {
        text_of(code, "CodeValue")
        for item in items_of(dataset, "ContentSequence")
        if code_value_of(item, "ConceptNameCodeSequence") == "121005"  # Observer Type
        for code in items_of(item, "ConceptCodeSequence")
    }
    return bool(algorithms) or observers == {_DEVICE_OBSERVER}


def _told(dataset: Dataset, wanted: Sequence[_Wanted]) -> Iterator[tuple[str, str]]:
    for label, keyword, shown in wanted:
        value = shown(dataset, keyword)
        if value:
            yield label, value


def _makers(dataset: Dataset) -> Iterator[tuple[str, str]]:
    for equipment in items_of(dataset, "ContributingEquipmentSequence"):
        parts = [
            text_of(equipment, keyword)
            for keyword in ("Manufacturer", "ManufacturerModelName", "SoftwareVersions")
        ]
        purpose = meaning_of(equipment, "PurposeOfReferenceCodeSequence") or "Equipment"
        yield purpose, " ".join(filter(None, parts))


def _verifiers(dataset: Dataset) -> Iterator[tuple[str, str]]:
    for verifier in items_of(dataset, "VerifyingObserverSequence"):
        parts = (
            person_of(verifier, "VerifyingObserverName"),
            text_of(verifier, "VerifyingOrganization"),
            shown_moment(text_of(verifier, "VerificationDateTime")),
        )
        yield "Verified by", ", ".join(filter(None, parts))
