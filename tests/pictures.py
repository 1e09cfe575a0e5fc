"""Images that make no volume, and the result of an imagined model on them.

result = picture_result([radiograph()], [Region(...), Classification(...)])
"""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from standards import codes
from standards.analysis import Analysis, Result
from standards.derived import part10
from standards.findings import Classification, Finding, Findings, Region, Shape
from standards.uids import derived_uid
from tests.series import ALGORITHM, EQUIPMENT, STARTED

PNEUMOTHORAX = Code("36118008", "SCT", "Pneumothorax")
NODULE = Code("427359005", "SCT", "Solitary nodule of lung")
SUSPICION = Classification(
    PNEUMOTHORAX,
    codes.ABSENT,
    0.9731,
    "isotonic regression on generated radiographs",
    codes.LUNG,
    Code("24028007", "SCT", "Right"),
)
BOX = Region(Shape.BOX, ((20, 10), (60, 40)), "Nodule", NODULE, 0, probability=0.875)
POINT = Region(Shape.POINT, ((30.5, 20.5),), "Centre", NODULE, 0, site=codes.LUNG)
OUTLINE = Region(
    Shape.POLYGON, ((5, 5), (50, 8), (40, 44)), "Outline", NODULE, 0, colour=(255, 80, 80)
)
LINE = Region(Shape.POLYLINE, ((1, 1), (30, 20), (60, 20)), "Line", NODULE, 0)
FOUND = (SUSPICION, BOX, POINT, OUTLINE, LINE)


def radiograph(
    number: int = 1, rows: int = 64, columns: int = 80, **attributes: object
) -> FileDataset:
    """A digital radiograph whose low values are bright (MONOCHROME1), without a place in space."""
    ds = _image(DigitalXRayImageStorageForPresentation, "DX", number, rows, columns)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME1"
    ds.PresentationLUTShape = "INVERSE"
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.ImagerPixelSpacing = [0.2, 0.2]
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
    ds.WindowCenter, ds.WindowWidth = [2000, 1000], [3000, 500]
    ds.BodyPartExamined, ds.ViewPosition = "CHEST", "PA"
    pixels = np.tile(np.linspace(0, 4095, columns).astype("<u2"), (rows, 1))
    return _written(ds, pixels, 12, attributes)


def ultrasound(
    number: int = 1, rows: int = 64, columns: int = 80, **attributes: object
) -> FileDataset:
    ds = _image(UltrasoundImageStorage, "US", number, rows, columns)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    return _written(ds, _coloured(rows, columns), 8, attributes)


def cine(frames: int = 3, rows: int = 64, columns: int = 80) -> FileDataset:
    """An ultrasound loop in grey."""
    ds = _image(UltrasoundMultiFrameImageStorage, "US", 1, rows, columns)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.NumberOfFrames, ds.FrameTime, ds.FrameIncrementPointer = frames, 40, 0x00181063
    pixels = np.arange(frames, dtype=np.uint8)[:, None, None] * np.ones(
        (1, rows, columns), np.uint8
    )
    return _written(ds, pixels, 8, {})


def picture_result(images: Sequence[Dataset], found: Sequence[Finding] = FOUND) -> Result:
    """The result on these images, their pixels left out as in a real run."""
    headers = tuple(_without_pixels(image) for image in images)
    return Result(Analysis(ALGORITHM, EQUIPMENT, headers, STARTED), Findings.of(found))


def _image(sop_class: str, modality: str, number: int, rows: int, columns: int) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID = sop_class
    ds.StudyInstanceUID = derived_uid("picture", "study", modality)
    ds.SeriesInstanceUID = derived_uid("picture", "series", modality)
    ds.SOPInstanceUID = derived_uid("picture", sop_class, str(number))
    ds.Modality, ds.Manufacturer = modality, "Phantom"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.PatientName, ds.PatientID = "Test^Picture", "TEST-2"
    ds.PatientBirthDate, ds.PatientSex = "19700101", "O"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260304"
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "050607"
    ds.AccessionNumber, ds.ReferringPhysicianName = "A2", "Doe^Jane"
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "S2", 1, number
    ds.Rows, ds.Columns = rows, columns
    return ds


def _written(
    ds: Dataset, pixels: np.ndarray, bits: int, attributes: dict[str, object]
) -> FileDataset:
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.BitsAllocated, ds.BitsStored = pixels.itemsize * 8, bits
    ds.HighBit, ds.PixelRepresentation = bits - 1, 0
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    ds.PixelData = pixels.tobytes()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dcmread(BytesIO(part10(ds)))


def _coloured(rows: int, columns: int) -> np.ndarray:
    pixels = np.zeros((rows, columns, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, columns)
    pixels[..., 2] = 90
    return pixels


def _without_pixels(image: Dataset) -> Dataset:
    header = Dataset()
    header.update({tag: image.get_item(tag) for tag in image.keys() if tag != 0x7FE00010})  # noqa: SIM118
    return header
