"""A small result with a label map and measurements, for tests of what is written from results."""

from datetime import UTC, datetime

import numpy as np
from pydicom import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import CTImageStorage

from standards import codes
from standards.analysis import Analysis, Result
from standards.fhir import References, ResultInstance
from standards.findings import Findings, LabelMap, Measurement, Structure
from standards.identity import Algorithm, Equipment
from standards.uids import derived_uid

EQUIPMENT = Equipment("Airgate", "Airgate gateway", "1", "0.1.0")
STARTED = datetime(2024, 5, 6, 10, 30, 15, 250000, tzinfo=UTC)
LEFT = Structure("Left lung", codes.ANATOMICAL_STRUCTURE, codes.LEFT_LUNG, (90, 160, 220))
RIGHT = Structure("Right lung", codes.ANATOMICAL_STRUCTURE, codes.RIGHT_LUNG, (220, 160, 90))
NODULE = Structure(
    "Lung nodule",
    codes.MORPHOLOGICALLY_ABNORMAL_STRUCTURE,
    Code("427359005", "SCT", "Solitary nodule of lung"),
    (250, 40, 40),
)
WADO_RS_ROOT = "http://airgate.example/dicom-web"


def algorithm(name: str = "lung_ct", digest: str = "ab" * 32) -> Algorithm:
    return Algorithm(name, "1.0.0", "Airgate", digest)


def headers(study: str = "A", **attributes: object) -> tuple[Dataset, ...]:
    """Four CT headers of one series; an attribute given as None is left out."""
    return tuple(_header(study, number, attributes) for number in range(1, 5))


def analysis(study: str = "A", model: Algorithm | None = None, **attributes: object) -> Analysis:
    return Analysis(model or algorithm(), EQUIPMENT, headers(study, **attributes), STARTED)


def result(
    study: str = "A", model: Algorithm | None = None, *, nodules: bool = False, **attributes: object
) -> Result:
    """Two lungs, five measurements; with `nodules`, a third structure that has no voxel."""
    voxels = np.zeros((4, 8, 8), np.uint8)
    voxels[1:3, 2:6, 1:3], voxels[1:3, 2:6, 5:7] = 1, 2
    structures = (LEFT, RIGHT, NODULE) if nodules else (LEFT, RIGHT)
    return Result(
        analysis(study, model, **attributes),
        Findings.of([LabelMap(voxels, structures), *MEASUREMENTS]),
    )


def references(study: str = "A", model: Algorithm | None = None) -> References:
    """The SEG and the SR that a result was written as."""
    made_by = analysis(study, model)
    return References(
        WADO_RS_ROOT,
        (
            ResultInstance(
                "1.2.840.10008.5.1.4.1.1.66.4",
                made_by.uid("seg", "instance"),
                made_by.uid("seg", "series"),
                901,
                "SEG",
                "AI lungs",
            ),
            ResultInstance(
                "1.2.840.10008.5.1.4.1.1.88.34",
                made_by.uid("sr", "instance"),
                made_by.uid("sr", "series"),
                902,
                "SR",
                "AI lung measurements",
            ),
        ),
    )


MEASUREMENTS = (
    Measurement(codes.VOLUME, 2310.26, codes.MILLILITRE, codes.LEFT_LUNG, label=1),
    Measurement(codes.VOLUME, 2705.5, codes.MILLILITRE, codes.RIGHT_LUNG, label=2),
    Measurement(
        codes.ATTENUATION_COEFFICIENT,
        -841.37,
        codes.HOUNSFIELD_UNIT,
        codes.LEFT_LUNG,
        label=1,
        derivation=codes.MEAN,
    ),
    Measurement(codes.LOW_ATTENUATION_AREA, 3.456, codes.PERCENT, codes.BOTH_LUNGS, decimals=2),
    Measurement(codes.PERCENTILE_15, -921.0, codes.HOUNSFIELD_UNIT, codes.BOTH_LUNGS, decimals=0),
)


def _header(study: str, number: int, attributes: dict[str, object]) -> Dataset:
    header = Dataset()
    header.SOPClassUID = CTImageStorage
    header.SOPInstanceUID = derived_uid("example", study, "instance", str(number))
    header.SeriesInstanceUID = derived_uid("example", study, "series")
    header.StudyInstanceUID = derived_uid("example", study)
    header.PatientID, header.IssuerOfPatientID = "P-17", "General Hospital"
    header.PatientName, header.PatientSex, header.PatientBirthDate = "Doe^Ann^B", "F", "19610203"
    header.StudyDate, header.StudyTime, header.AccessionNumber = "20240504", "081530", "ACC1"
    header.TimezoneOffsetFromUTC = "+0200"
    header.Modality, header.SeriesNumber, header.InstanceNumber = "CT", 2, number
    header.StudyDescription, header.SeriesDescription = "Chest", "Thorax 5.0"
    for keyword, value in attributes.items():
        if value is None:
            delattr(header, keyword)
        else:
            setattr(header, keyword, value)
    return header
