"""Which attributes a search compares, where they lie, and what it answers.

PS3.18 Tables 10.6.1-5 and 10.6.3-3 to -5; PS3.4 C.3.4 for those that no instance holds.
"""

from enum import IntEnum

from sqlalchemy.orm import InstrumentedAttribute

from gateway.search.values import MODALITIES_IN_STUDY, REQUEST_IDS, REQUESTS, SOP_CLASSES_IN_STUDY
from gateway.store.tables import InstanceRow, SeriesRow, StudyRow
from standards.levels import SERIES_LEVEL, STUDY_LEVEL
from standards.query import Path
from standards.study import tag_of


class Level(IntEnum):
    """What one answer of a search stands for. Higher levels are the smaller numbers."""

    STUDY = 0
    SERIES = 1
    INSTANCE = 2

    @property
    def resource(self) -> str:
        return ("studies", "series", "instances")[self]


def tags_of(path: str) -> Path:
    """The tags of a dotted path of keywords or tags. Raises UnknownAttribute."""
    return tuple(tag_of(name) for name in path.split("."))


def _by_tag(columns: dict[str, InstrumentedAttribute]) -> dict[str, InstrumentedAttribute]:
    return {tag_of(keyword): column for keyword, column in columns.items()}


# Attributes with a column of their own. All others are compared in the DICOM JSON of their level.
COLUMNS: dict[Level, dict[str, InstrumentedAttribute]] = {
    Level.STUDY: _by_tag(
        {
            "StudyInstanceUID": StudyRow.study_instance_uid,
            "PatientID": StudyRow.patient_id,
            "PatientName": StudyRow.patient_name,
            "StudyDate": StudyRow.study_date,
            "StudyTime": StudyRow.study_time,
            "AccessionNumber": StudyRow.accession_number,
            "StudyID": StudyRow.study_id,
            "StudyDescription": StudyRow.study_description,
            "ReferringPhysicianName": StudyRow.referring_physician_name,
            "NumberOfStudyRelatedSeries": StudyRow.number_of_series,
            "NumberOfStudyRelatedInstances": StudyRow.number_of_instances,
        }
    ),
    Level.SERIES: _by_tag(
        {
            "SeriesInstanceUID": SeriesRow.series_instance_uid,
            "Modality": SeriesRow.modality,
            "SeriesNumber": SeriesRow.series_number,
            "SeriesDescription": SeriesRow.series_description,
            "NumberOfSeriesRelatedInstances": SeriesRow.number_of_instances,
        }
    ),
    Level.INSTANCE: _by_tag(
        {
            "SOPInstanceUID": InstanceRow.sop_instance_uid,
            "SOPClassUID": InstanceRow.sop_class_uid,
            "InstanceNumber": InstanceRow.instance_number,
            "Rows": InstanceRow.rows,
            "Columns": InstanceRow.columns,
            "NumberOfFrames": InstanceRow.number_of_frames,
            "AvailableTransferSyntaxUID": InstanceRow.transfer_syntax_uid,
        }
    ),
}
DOCUMENTS = {
    Level.STUDY: StudyRow.attributes,
    Level.SERIES: SeriesRow.attributes,
    Level.INSTANCE: InstanceRow.header,
}
# What a study has many of, because its series or instances have: compared in study_values.
OF_MANY = frozenset((MODALITIES_IN_STUDY, SOP_CLASSES_IN_STUDY))


def level_of(tag: str) -> Level:
    """At which level an attribute is kept, by PS3.3 C.7 and PS3.4 C.3.4."""
    if tag in STUDY_LEVEL or tag in OF_MANY or tag in COLUMNS[Level.STUDY]:
        return Level.STUDY
    is_series = tag in SERIES_LEVEL or tag in COLUMNS[Level.SERIES]
    return Level.SERIES if is_series else Level.INSTANCE


def _tags(*keywords: str) -> tuple[str, ...]:
    return tuple(tag_of(keyword) for keyword in keywords)


(STUDY_DATE,) = _tags("StudyDate")
RETRIEVE_URL, INSTANCE_AVAILABILITY = _tags("RetrieveURL", "InstanceAvailability")
SPECIFIC_CHARACTER_SET, TIMEZONE = _tags("SpecificCharacterSet", "TimezoneOffsetFromUTC")
OF_PATIENT = _tags(
    "NumberOfPatientRelatedStudies",
    "NumberOfPatientRelatedSeries",
    "NumberOfPatientRelatedInstances",
)
# Known only once an answer is written.
ANSWERED_ONLY = frozenset((RETRIEVE_URL, INSTANCE_AVAILABILITY, *OF_PATIENT))

# What is returned without being asked for. The first group is there even when it has no value;
# the second when it has one.
ALWAYS: dict[Level, tuple[str, ...]] = {
    Level.STUDY: _tags(
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "InstanceAvailability",
        "ModalitiesInStudy",
        "ReferringPhysicianName",
        "RetrieveURL",
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "StudyInstanceUID",
        "StudyID",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
    ),
    Level.SERIES: _tags(
        "Modality",
        "RetrieveURL",
        "SeriesInstanceUID",
        "SeriesNumber",
        "NumberOfSeriesRelatedInstances",
    ),
    Level.INSTANCE: _tags(
        "SOPClassUID",
        "SOPInstanceUID",
        "InstanceAvailability",
        "RetrieveURL",
        "InstanceNumber",
    ),
}
_CONTEXT: tuple[Path, ...] = ((SPECIFIC_CHARACTER_SET,), (TIMEZONE,))
IF_KNOWN: dict[Level, tuple[Path, ...]] = {
    Level.STUDY: (*_CONTEXT, *((tag,) for tag in _tags("StudyDescription"))),
    Level.SERIES: (
        *_CONTEXT,
        *(
            (tag,)
            for tag in _tags(
                "SeriesDescription",
                "PerformedProcedureStepStartDate",
                "PerformedProcedureStepStartTime",
            )
        ),
        *((REQUESTS, tag) for tag in REQUEST_IDS),
    ),
    Level.INSTANCE: (
        *_CONTEXT,
        *(
            (tag,)
            for tag in _tags(
                "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "AvailableTransferSyntaxUID"
            )
        ),
    ),
}
