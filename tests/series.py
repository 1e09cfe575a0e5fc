"""A few CT slices with two marked bodies and the result of an imagined model on them.

result = small_result()                       # 8 slices of 96 x 128, two structures
result = small_result(ct_series(PatientName="Müller^Änne", charset="ISO_IR 100"))
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from io import BytesIO

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ImplicitVRLittleEndian

from standards import codes
from standards.analysis import Analysis, Result
from standards.derived import part10
from standards.findings import (
    Finding,
    Findings,
    HeatMap,
    KeyImage,
    LabelMap,
    Measurement,
    Structure,
)
from standards.identity import Algorithm, Equipment
from standards.modality_values import modality_values
from standards.slice_order import in_slice_order
from standards.uids import derived_uid

SLICES, ROWS, COLUMNS = 8, 96, 128
KEY_SLICE = 4
RIGHT = Structure("Right lung", codes.ANATOMICAL_STRUCTURE, codes.RIGHT_LUNG, (230, 159, 0))
LEFT = Structure("Left lung", codes.ANATOMICAL_STRUCTURE, codes.LEFT_LUNG, (86, 180, 233))
ALGORITHM = Algorithm("Lung CT", "1.2.0", "Airgate project", "ab" * 32)
EQUIPMENT = Equipment("Airgate project", "Airgate", "airgate-test", "0.1.0")
STARTED = datetime(2026, 3, 4, 5, 6, 7, 890000, tzinfo=timezone(timedelta(hours=1)))


def ct_series(
    slices: int = SLICES,
    rows: int = ROWS,
    columns: int = COLUMNS,
    charset: str = "ISO_IR 192",
    without: Sequence[str] = (),
    **attributes: object,
) -> list[FileDataset]:
    """CT instances, written as Implicit VR files and read again, in the order of Instance Number.

    attributes: keywords to set otherwise in every header; without: keywords to leave out.
    """
    body = _bodies(slices, rows, columns) > 0
    return [
        _reread(_slice(k, body[k], charset, without, attributes), charset) for k in range(slices)
    ]


def label_map(slices: int = SLICES, rows: int = ROWS, columns: int = COLUMNS) -> LabelMap:
    return LabelMap(_bodies(slices, rows, columns), (RIGHT, LEFT))


def measurements() -> list[Measurement]:
    """Two structures and both together; one value has more digits than it means."""
    return [
        Measurement(codes.VOLUME, 1234.567, codes.MILLILITRE, codes.RIGHT_LUNG, 1),
        Measurement(
            codes.ATTENUATION_COEFFICIENT,
            -801.25,
            codes.HOUNSFIELD_UNIT,
            codes.RIGHT_LUNG,
            1,
            codes.MEAN,
        ),
        Measurement(codes.VOLUME, 1010.1, codes.MILLILITRE, codes.LEFT_LUNG, 2),
        Measurement(codes.LOW_ATTENUATION_AREA, 3.21, codes.PERCENT, codes.LEFT_LUNG, 2),
        Measurement(codes.VOLUME, 2244.667, codes.MILLILITRE, codes.BOTH_LUNGS),
        Measurement(codes.PERCENTILE_15, -922.0, codes.HOUNSFIELD_UNIT, codes.BOTH_LUNGS),
    ]


def heat_map(name: str = "Air", percent: float = 40) -> HeatMap:
    """A quantity that rises from 0 to so many percent from the first voxel to the last."""
    voxels = np.linspace(0, percent, SLICES * ROWS * COLUMNS, dtype=np.float32)
    voxels = voxels.reshape(SLICES, ROWS, COLUMNS)
    return HeatMap(name, voxels, codes.LOW_ATTENUATION_AREA, codes.PERCENT, (0, 100))


def findings() -> list[Finding]:
    return [label_map(), *measurements(), KeyImage(KEY_SLICE, -600, 1500)]


def small_result(
    instances: Sequence[Dataset] | None = None,
    found: Sequence[Finding] | None = None,
    algorithm: Algorithm = ALGORITHM,
) -> Result:
    """The result on these instances, their pixels left out as in a real run."""
    ordered = in_slice_order(ct_series() if instances is None else instances)
    headers = tuple(_without_pixels(instance) for instance in ordered)
    analysis = Analysis(algorithm, EQUIPMENT, headers, STARTED)
    return Result(analysis, Findings.of(findings() if found is None else found))


def key_pixels(result: Result, instances: Sequence[Dataset]) -> np.ndarray:
    """The modality values of the key slice, (rows, columns)."""
    key = result.findings.key_image
    assert key is not None
    return modality_values(in_slice_order(instances)[key.slice_index])


def _bodies(slices: int, rows: int, columns: int) -> np.ndarray:
    z, y, x = np.ogrid[0:slices, 0:rows, 0:columns]
    near = ((z - slices / 2) / (slices / 2)) ** 2 + ((y - rows / 2) / (rows / 3)) ** 2
    voxels = np.zeros((slices, rows, columns), np.uint8)
    for label, centre in ((1, columns * 0.3), (2, columns * 0.7)):
        voxels[near + ((x - centre) / (columns / 6)) ** 2 < 1] = label
    return voxels


def _slice(
    k: int, body: np.ndarray, charset: str, without: Sequence[str], attributes: dict[str, object]
) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = charset
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = derived_uid("test", "instance", str(k))
    ds.StudyInstanceUID = derived_uid("test", "study")
    ds.SeriesInstanceUID = derived_uid("test", "series")
    ds.FrameOfReferenceUID = derived_uid("test", "frame of reference")
    ds.PositionReferenceIndicator = ""
    ds.StudyDate, ds.StudyTime = "20260301", "101500"
    ds.AcquisitionDate, ds.AcquisitionTime = "20260301", "101700"
    ds.ContentDate, ds.ContentTime = "20260301", "101701"
    ds.AccessionNumber = "A-17"
    ds.Modality = "CT"
    ds.Manufacturer = "Phantom"
    ds.ReferringPhysicianName = "Doe^Jane"
    ds.StudyDescription = "CT chest"
    ds.SeriesDescription = "5 mm"
    ds.PatientName, ds.PatientID = "Test^Lungs", "TEST-1"
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "19700101", "O", "056Y"
    ds.BodyPartExamined = "CHEST"
    ds.SliceThickness, ds.KVP = 5, 120
    ds.PatientPosition = "HFS"
    ds.StudyID, ds.SeriesNumber, ds.AcquisitionNumber = "S1", 2, 1
    ds.InstanceNumber = k + 1
    ds.ImagePositionPatient = [-120.5, -90.25, -40 + 5 * k]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [1.5, 1.25]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = body.shape
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 1
    ds.WindowCenter, ds.WindowWidth = 40, 400
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    for keyword in without:
        delattr(ds, keyword)
    pixels = np.where(body, 200, 1064).astype("<i2")
    pixels[0, 0] -= 1  # a slice of one single value would be taken for a lost one
    ds.PixelData = pixels.tobytes()
    return ds


def _reread(ds: Dataset, charset: str) -> FileDataset:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    ds.SpecificCharacterSet = charset
    return dcmread(BytesIO(part10(ds)))


def _without_pixels(instance: Dataset) -> Dataset:
    header = Dataset()
    header.update({tag: instance.get_item(tag) for tag in instance.keys() if tag != 0x7FE00010})  # noqa: SIM118
    return header
