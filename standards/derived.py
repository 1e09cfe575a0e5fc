"""What all objects of one result share: equipment, model, dates, names.

highdicom encodes each object; this file finishes what it made, so that equal work always writes
equal bytes.
"""

from datetime import timedelta, timezone
from io import BytesIO
from typing import Any

from highdicom.sr import CodedConcept
from pydicom import Dataset, dcmwrite

from standards import codes
from standards.analysis import Analysis, Carrier
from standards.frame_references import refer_to_frames
from standards.identity import Algorithm
from standards.patient_study import study_attributes


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
