"""Which attributes a search compares and returns (PS3.18 Tables 10.6.1-5 and 10.6.3-3 to -5)."""

from dataclasses import dataclass
from enum import IntEnum

from pydicom.datadict import dictionary_VR
from sqlalchemy.orm import InstrumentedAttribute

from gateway.store.tables import InstanceRow, SeriesRow, StudyRow
from standards.study import tag_of


class Level(IntEnum):
    """What one answer of a search stands for. Higher levels are the smaller numbers."""

    STUDY = 0
    SERIES = 1
    INSTANCE = 2

    @property
    def resource(self) -> str:
        return ("studies", "series", "instances")[self]


@dataclass(frozen=True)
class Attribute:
    """One attribute that can be matched, and where its values lie.

    path:  its tag, or the tags of a sequence and of an attribute in its items.
    column:  the column with its value, or with the DICOM JSON that holds it (`in_json`).
    below:  the value belongs to any series or instance of the study, not to the study.
    """

    path: tuple[str, ...]
    level: Level
    column: InstrumentedAttribute
    in_json: bool = False
    below: bool = False

    @property
    def vr(self) -> str:
        return dictionary_VR(int(self.path[-1], 16))


_COLUMNS: tuple[tuple[Level, dict[str, InstrumentedAttribute]], ...] = (
    (
        Level.STUDY,
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
        },
    ),
    (
        Level.SERIES,
        {
            "SeriesInstanceUID": SeriesRow.series_instance_uid,
            "Modality": SeriesRow.modality,
            "SeriesNumber": SeriesRow.series_number,
            "SeriesDescription": SeriesRow.series_description,
        },
    ),
    (
        Level.INSTANCE,
        {
            "SOPInstanceUID": InstanceRow.sop_instance_uid,
            "SOPClassUID": InstanceRow.sop_class_uid,
            "InstanceNumber": InstanceRow.instance_number,
            "Rows": InstanceRow.rows,
            "Columns": InstanceRow.columns,
            "NumberOfFrames": InstanceRow.number_of_frames,
            "AvailableTransferSyntaxUID": InstanceRow.transfer_syntax_uid,
        },
    ),
)
# Without a column of their own; read out of the DICOM JSON of their level by the database.
_IN_JSON: tuple[tuple[Level, InstrumentedAttribute, tuple[str, ...]], ...] = (
    (
        Level.STUDY,
        StudyRow.attributes,
        ("PatientBirthDate", "PatientSex", "IssuerOfPatientID"),
    ),
    (
        Level.SERIES,
        SeriesRow.attributes,
        (
            "SeriesDate",
            "SeriesTime",
            "BodyPartExamined",
            "Laterality",
            "ProtocolName",
            "StationName",
            "Manufacturer",
            "ManufacturerModelName",
            "FrameOfReferenceUID",
            "PerformedProcedureStepStartDate",
            "PerformedProcedureStepStartTime",
            "RequestAttributesSequence.ScheduledProcedureStepID",
            "RequestAttributesSequence.RequestedProcedureID",
            "RequestAttributesSequence.AccessionNumber",
        ),
    ),
)


def tags_of(path: str) -> tuple[str, ...]:
    """The tags of a dotted path of keywords or tags. Raises UnknownAttribute."""
    return tuple(tag_of(name) for name in path.split("."))


def _matchable() -> dict[tuple[str, ...], Attribute]:
    found = [
        Attribute(("00080061",), Level.STUDY, SeriesRow.modality, below=True),  # ModalitiesInStudy
        Attribute(
            ("00080062",), Level.STUDY, InstanceRow.sop_class_uid, below=True
        ),  # SOPClassesInStudy
    ]
    for level, columns in _COLUMNS:
        found += [Attribute(tags_of(name), level, column) for name, column in columns.items()]
    for level, column, names in _IN_JSON:
        found += [Attribute(tags_of(name), level, column, in_json=True) for name in names]
    return {attribute.path: attribute for attribute in found}


MATCHABLE = _matchable()


def _tags(*keywords: str) -> tuple[str, ...]:
    return tuple(tag_of(keyword) for keyword in keywords)


# What is returned without being asked for. The first group is there even when it has no value;
# the second when it has one.
ALWAYS = {
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
IF_KNOWN = {
    Level.STUDY: _tags("SpecificCharacterSet", "TimezoneOffsetFromUTC", "StudyDescription"),
    Level.SERIES: _tags(
        "SpecificCharacterSet",
        "TimezoneOffsetFromUTC",
        "SeriesDescription",
        "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime",
        "RequestAttributesSequence",
    ),
    Level.INSTANCE: _tags(
        "SpecificCharacterSet",
        "TimezoneOffsetFromUTC",
        "NumberOfFrames",
        "Rows",
        "Columns",
        "BitsAllocated",
        "AvailableTransferSyntaxUID",
    ),
}
