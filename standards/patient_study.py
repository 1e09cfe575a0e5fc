"""The attributes of patient and study that every object of a study repeats."""

from copy import deepcopy
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.valuerep import DA, TM

UTF8 = "ISO_IR 192"

# Attributes of the patient and the study that every object of a study repeats: PS3.3 C.7.1.1,
# C.7.1.3, C.7.2.1, C.7.2.2, C.7.2.3. Type 2 ones are written empty where the source has none.
TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyID",
)
_TYPE_3 = (
    "IssuerOfPatientID",
    "TypeOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "OtherPatientIDsSequence",
    "OtherPatientNames",
    "PatientBirthTime",
    "EthnicGroup",
    "EthnicGroupCodeSequence",
    "PatientSpeciesDescription",
    "PatientSpeciesCodeSequence",
    "PatientBreedDescription",
    "PatientBreedCodeSequence",
    "BreedRegistrationSequence",
    "ResponsiblePerson",
    "ResponsiblePersonRole",
    "ResponsibleOrganization",
    "PatientComments",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "LongitudinalTemporalInformationModified",
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "ClinicalTrialSubjectID",
    "ClinicalTrialSubjectReadingID",
    "ClinicalTrialTimePointID",
    "ClinicalTrialTimePointDescription",
    "IssuerOfAccessionNumberSequence",
    "StudyDescription",
    "ProcedureCodeSequence",
    "PhysiciansOfRecord",
    "NameOfPhysiciansReadingStudy",
    "ReferringPhysicianIdentificationSequence",
    "RequestingService",
    "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence",
    "PatientAge",
    "PatientSize",
    "PatientBodyMassIndex",
    "PatientWeight",
    "MedicalAlerts",
    "Allergies",
    "Occupation",
    "SmokingStatus",
    "PregnancyStatus",
    "LastMenstrualDate",
    "PatientSexNeutered",
    "AdditionalPatientHistory",
    "PatientState",
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "TimezoneOffsetFromUTC",
)
# Where a value that no reader can parse is better left empty than handed on.
_PARSED_BY: dict[str, Any] = {"StudyDate": DA, "StudyTime": TM, "PatientBirthDate": DA}
_PATIENT_SEX = ("M", "F", "O")  # PS3.3 C.7.1.1


def study_attributes(header: Dataset) -> Dataset:
    """Patient and study attributes of a source instance, as every result repeats them.

    Text is decoded from the source's character set, to be written again as UTF-8. What is empty
    or absent stays so; a date, time or sex outside its Value Representation becomes empty.
    """
    study = Dataset()
    study.SpecificCharacterSet = UTF8
    study.StudyInstanceUID = header.StudyInstanceUID
    for keyword in TYPE_2:
        setattr(study, keyword, None)
    for keyword in (*TYPE_2, *_TYPE_3):
        if keyword in header:
            study.add(_detached(header[keyword]))
    for keyword, parse in _PARSED_BY.items():
        try:
            parse(study.get(keyword))
        except (ValueError, TypeError):  # TypeError: several values
            setattr(study, keyword, None)
    if study.PatientSex not in _PATIENT_SEX:
        study.PatientSex = None
    return study


def _detached(element: DataElement) -> DataElement:
    """A copy whose nested text is decoded, since nested items decode only when they are read."""
    copy = deepcopy(element)
    if copy.VR == "SQ":
        for item in copy.value:
            for _ in item.iterall():  # reading is what decodes
                pass
            item.pop("SpecificCharacterSet", None)
    return copy
