"""What studies are found by: values drawn from DICOM JSON, as the index keeps them for searches.

Compared and sorted as text: names folded, dates and times in full, nothing longer than
LONGEST_VALUE, since an index of PostgreSQL cannot hold more than 2.7 KB.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from standards.person_names import folded_groups, sounds
from standards.study import tag_of, value, values
from standards.temporal import full_date, full_time

LONGEST_VALUE = 256

Document = Mapping[str, Any]  # one DICOM JSON object
Found = tuple[str, str]  # by which attribute, by which value

MODALITIES_IN_STUDY = tag_of("ModalitiesInStudy")
SOP_CLASSES_IN_STUDY = tag_of("SOPClassesInStudy")
NAMES = (tag_of("PatientName"), tag_of("ReferringPhysicianName"))
BIRTH_DATE = tag_of("PatientBirthDate")
STEP_DATE = tag_of("PerformedProcedureStepStartDate")
REQUESTS = tag_of("RequestAttributesSequence")
REQUEST_IDS = (tag_of("ScheduledProcedureStepID"), tag_of("RequestedProcedureID"))


def sound_of(name: str) -> str:
    """Under which attribute the sounds of a PN attribute are found."""
    return f"{name}.sound"


def within(sequence: str, tag: str) -> str:
    """Under which attribute the values of a sequence's items are found."""
    return f"{sequence}.{tag}"


def text(document: Document, keyword: str) -> str:
    """The first value as text that both databases can hold, "" where there is none."""
    found = value(document, keyword)
    if found is None:
        return ""
    whole = str(found)[:LONGEST_VALUE]
    return whole if whole.isascii() and "\0" not in whole else _storable(whole)


def study_columns(document: Document) -> dict[str, str]:
    """The columns of a study that are searched, from its attributes."""
    return {
        "patient_id": text(document, "PatientID"),
        "patient_name": _name(document, "PatientName"),
        "study_date": full_date(text(document, "StudyDate")),
        "study_time": full_time(text(document, "StudyTime")),
        "accession_number": text(document, "AccessionNumber"),
        "study_id": text(document, "StudyID"),
        "study_description": text(document, "StudyDescription"),
        "referring_physician_name": _name(document, "ReferringPhysicianName"),
    }


def study_values(document: Document) -> Iterator[Found]:
    """What a study is found by beside its columns, from its attributes."""
    for tag in NAMES:
        for name in _names(document, tag):
            groups = [_storable(group[:LONGEST_VALUE]) for group in folded_groups(name) if group]
            yield from ((tag, group) for group in groups)
            yield from ((sound_of(tag), each) for group in groups for each in sounds(group))
    if date := full_date(text(document, BIRTH_DATE)):
        yield BIRTH_DATE, date


def series_values(document: Document) -> Iterator[Found]:
    """What one series adds to that."""
    if modality := text(document, "Modality"):
        yield MODALITIES_IN_STUDY, modality
    if date := full_date(text(document, STEP_DATE)):
        yield STEP_DATE, date
    for item in values(document, REQUESTS):
        for tag in REQUEST_IDS:
            if found := text(item, tag):
                yield within(REQUESTS, tag), found


def _storable(whole: str) -> str:
    """Without NUL, and with `?` for halves of characters: PostgreSQL takes neither."""
    return whole.replace("\0", "").encode("utf-8", "replace").decode()


def _name(document: Document, keyword: str) -> str:
    """All component groups of the first value, joined by `=`."""
    for name in _names(document, tag_of(keyword)):
        return _storable("=".join(folded_groups(name)).rstrip("=")[:LONGEST_VALUE])
    return ""


def _names(document: Document, tag: str) -> Iterator[Mapping[str, str]]:
    found = document.get(tag, {}).get("Value", ())
    return (name for name in found if isinstance(name, dict))
