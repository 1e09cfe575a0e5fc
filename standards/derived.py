"""What all objects of one result share: patient and study, equipment, model, dates, names.

highdicom encodes each object; this file prepares the source headers that it copies from, and
finishes what it made, so that equal work always writes equal bytes.
"""

from collections.abc import Sequence
from copy import deepcopy
from datetime import timedelta, timezone
from io import BytesIO
from typing import Any

from highdicom.sr import CodedConcept
from pydicom import DataElement, Dataset, dcmwrite
from pydicom.datadict import dictionary_VR
from pydicom.tag import Tag
from pydicom.valuerep import DA, TM

from standards import codes
from standards.analysis import Analysis, Carrier
from standards.errors import StandardsError
from standards.frame_references import refer_to_frames, stand_in
from standards.identity import Algorithm

UTF8 = "ISO_IR 192"

# Attributes of the patient and the study that every object of a study repeats: PS3.3 C.7.1.1,
# C.7.1.3, C.7.2.1, C.7.2.2, C.7.2.3. Type 2 ones are written empty where the source has none.
_TYPE_2 = (
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
# Attributes of one image that its descendants build on: geometry, grey values, references.
_IMAGE = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "BodyPartExamined",
    "AcquisitionDate",
    "AcquisitionTime",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "PixelAspectRatio",
    "SliceThickness",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "ICCProfile",
    "NumberOfFrames",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
_IDENTITY = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
_SIZE = ("Rows", "Columns")
_PLACE = (
    "FrameOfReferenceUID",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
)
# By tag, since pydicom looks up a keyword each time, which for hundreds of instances takes longer
# than to encode an object.
_CHARACTER_SET = Tag("SpecificCharacterSet")
_EMPTY = tuple((Tag(keyword), dictionary_VR(keyword)) for keyword in _TYPE_2)
_IMAGE_TAGS = tuple(Tag(keyword) for keyword in _IMAGE)
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
    for keyword in _TYPE_2:
        setattr(study, keyword, None)
    for keyword in (*_TYPE_2, *_TYPE_3):
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


def named_instances(headers: Sequence[Dataset]) -> list[Dataset]:
    """The source instances with only what highdicom needs of them to refer to them.

    Of the patient they say nothing: `finish` writes that, since highdicom refuses some values
    and puts names that it finds unlikely into warnings.
    Raises StandardsError for no instance at all, or one that lacks its identity.
    """
    if not headers:
        raise StandardsError("an analysis without source instances; expected at least one")
    _check_each(headers, _IDENTITY)
    return [_image(header) for header in headers]


def source_images(headers: Sequence[Dataset]) -> list[Dataset]:
    """As named_instances, of images that something can be drawn on; else StandardsError."""
    images = named_instances(headers)
    _check_each(headers, _SIZE)
    return images


def placed_images(headers: Sequence[Dataset]) -> list[Dataset]:
    """As source_images, of instances that lie somewhere in the patient; else StandardsError."""
    images = source_images(headers)
    _check_each(headers, _PLACE)
    return images


def _check_each(headers: Sequence[Dataset], keywords: Sequence[str]) -> None:
    for keyword in keywords:
        if any(header.get(keyword) in (None, "") for header in headers):
            raise StandardsError(f"a source instance without {keyword}; expected one in each")


def _image(header: Dataset) -> Dataset:
    image = Dataset()
    image.add_new(_CHARACTER_SET, "CS", UTF8)
    for tag, vr in _EMPTY:
        image.add_new(tag, vr, None)
    for tag in _IMAGE_TAGS:
        element = header.get(tag)
        if element is not None and not element.is_empty:
            image.add(element)
    stand_in(image, header)
    return image


def _detached(element: DataElement) -> DataElement:
    """A copy whose nested text is decoded, since nested items decode only when they are read."""
    copy = deepcopy(element)
    if copy.VR == "SQ":
        for item in copy.value:
            for _ in item.iterall():  # reading is what decodes
                pass
            item.pop("SpecificCharacterSet", None)
    return copy


def series_of(
    analysis: Analysis, kind: Carrier, series_number: int, instance_number: int = 1
) -> dict[str, Any]:
    """The constructor arguments that highdicom wants for every kind of object: a series a kind.

    instance_number: from 1, where a result has several objects of the kind.
    """
    more = (str(instance_number),) if instance_number > 1 else ()
    return {
        "series_instance_uid": analysis.uid(kind, "series"),
        "series_number": series_number,
        "sop_instance_uid": analysis.uid(kind, "instance", *more),
        "instance_number": instance_number,
        "manufacturer": analysis.equipment.manufacturer,
    }


def maker_of(analysis: Analysis) -> dict[str, Any]:
    """Who made an object, as highdicom's constructors of all objects but reports want it."""
    equipment, algorithm = analysis.equipment, analysis.algorithm
    return {
        "manufacturer_model_name": equipment.manufacturer_model_name,
        "software_versions": equipment.software_versions,
        "device_serial_number": equipment.device_serial_number,
        "content_description": f"{algorithm.name} {algorithm.version}"[:64],
    }


def finish(dataset: Dataset, analysis: Analysis, description: str) -> None:
    """Write what is equal in all objects of a result over what highdicom chose.

    description: what the series holds, for instance "segmentation"; Series Description becomes
        "AI <algorithm name> <description>", so that every worklist shows whose work it is.
    Dates are those of Analysis.started (IHE AIR 6.5.3.1), in the source's time zone when it
    states one: highdicom's are of now, and would make other bytes on every call.
    """
    for element in study_attributes(analysis.source[0]):
        dataset.add(element)
    _describe_series(dataset, analysis, description)
    equipment = analysis.equipment
    dataset.Manufacturer = equipment.manufacturer
    dataset.ManufacturerModelName = equipment.manufacturer_model_name
    dataset.DeviceSerialNumber = equipment.device_serial_number
    dataset.SoftwareVersions = equipment.software_versions
    # One item for each model, IHE AIR 6.5.3.1. highdicom adds itself under the same purpose
    # code, which readers would take for a second algorithm.
    dataset.ContributingEquipmentSequence = [contributing_equipment(analysis.algorithm)]
    refer_to_frames(dataset, analysis.source)


def _describe_series(dataset: Dataset, analysis: Analysis, description: str) -> None:
    date, time = local_date_and_time(analysis)
    for part in ("InstanceCreation", "Content", "Series", "PresentationCreation"):
        if part == "Series" or f"{part}Date" in dataset:
            setattr(dataset, f"{part}Date", date)
            setattr(dataset, f"{part}Time", time)
    name = analysis.algorithm.name[: 64 - len("AI  ") - len(description)]  # LO: 64 characters
    dataset.SeriesDescription = f"AI {name} {description}"


def copy_body_part(dataset: Dataset, analysis: Analysis) -> None:
    """Body Part Examined (0018,0015) of the source, for the objects whose IOD knows it."""
    if analysis.source[0].get("BodyPartExamined"):
        dataset.BodyPartExamined = analysis.source[0].BodyPartExamined


def local_date_and_time(analysis: Analysis) -> tuple[str, str]:
    """The start of the analysis as DA and TM, in the zone that the object's other times are in.

    Timezone Offset From UTC (0008,0201) is copied from the source and speaks of all times of
    an object, so it decides; without it the zone of Analysis.started is kept.
    """
    started = analysis.started
    offset = str(analysis.source[0].get("TimezoneOffsetFromUTC") or "")
    if len(offset) == 5 and offset[0] in "+-" and offset[1:].isdigit():
        minutes = int(offset[1:3]) * 60 + int(offset[3:])
        zone = timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
        started = started.astimezone(zone)
    return started.strftime("%Y%m%d"), started.strftime("%H%M%S.%f")


def contributing_equipment(algorithm: Algorithm) -> Dataset:
    """The model as an item of Contributing Equipment Sequence (0018,A001), IHE AIR 6.5.3.1.

    Written by hand, since highdicom's has no Device UID, which AIR requires.
    """
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [CodedConcept.from_code(codes.PROCESSING_EQUIPMENT)]
    item.Manufacturer = algorithm.manufacturer
    item.ManufacturerModelName = algorithm.name
    item.SoftwareVersions = algorithm.version
    item.DeviceUID = algorithm.device_uid
    return item


def part10(dataset: Dataset) -> bytes:
    """The object as a Part 10 file in memory (PS3.10 7), as it goes to archives."""
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()
