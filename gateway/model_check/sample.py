"""Images to try a model on, where its author gave none: the sample, or made after its card."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    generate_uid,
)

from ai_models.card import Contrast, GateRules, InputKind, InputSeries, ModelCard, Orientation
from standards.derived import part10

CT_CHEST = Path(__file__).parents[2] / "samples" / "ct_chest"
MADE = "images made after the card"
_SIZE, _FEWEST_SLICES, _IMAGES = 96, 24, 2
_CLASSES = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "PT": PositronEmissionTomographyImageStorage,
    "CR": ComputedRadiographyImageStorage,
    "DX": DigitalXRayImageStorageForPresentation,
    "MG": DigitalMammographyXRayImageStorageForPresentation,
    "US": UltrasoundImageStorage,
    "OT": SecondaryCaptureImageStorage,
}
# Row and column direction, and the step from slice to slice: PS3.3 C.7.6.2.1.1.
_PLANES = {
    Orientation.AXIAL: ((1, 0, 0, 0, 1, 0), (0, 0, 1)),
    Orientation.CORONAL: ((1, 0, 0, 0, 0, -1), (0, 1, 0)),
    Orientation.SAGITTAL: ((0, 1, 0, 0, 0, -1), (1, 0, 0)),
}
# What surrounds a body, what it is made of and what is dense in it, in modality values.
_VALUES = {"CT": (-1000.0, 40.0, 700.0)}
_OTHER_VALUES = (0.0, 300.0, 900.0)


def write_sample(card: ModelCard, folder: Path) -> None:
    """A series for each input that is one: an ellipsoid body with a dense ball in it, and noise."""
    studies = {prior: (generate_uid(), generate_uid()) for prior in (False, True)}
    for number, wanted in enumerate(card.series, start=1):
        study, frame_of_reference = studies[wanted.prior]
        series = generate_uid()
        for n, (image, pixels) in enumerate(_images(wanted, card.gate), start=1):
            image.StudyInstanceUID, image.SeriesInstanceUID = study, series
            image.FrameOfReferenceUID = frame_of_reference
            image.StudyDate = _date(wanted)
            image.SeriesNumber, image.InstanceNumber = number, n
            image.PixelData = pixels.astype("<i2").tobytes()
            (folder / f"{wanted.name}-{n:04}.dcm").write_bytes(part10(image))


def _date(wanted: InputSeries) -> str:
    age = timedelta(days=min(wanted.maximum_age_days or 30, 30) if wanted.prior else 0)
    return (date.today() - age).strftime("%Y%m%d")


def _images(wanted: InputSeries, rules: GateRules) -> Iterator[tuple[Dataset, np.ndarray]]:
    modality = wanted.modality[0] if wanted.modality else "CT"
    count = _IMAGES if wanted.kind is InputKind.IMAGES else _FEWEST_SLICES
    count = min(max(count, wanted.minimum_slices), wanted.maximum_slices)
    orientation, step = _PLANES[wanted.orientation or Orientation.AXIAL]
    spacing = min(wanted.maximum_slice_spacing_mm or 3, wanted.maximum_slice_thickness_mm or 3, 3)
    intercept = _VALUES.get(modality, _OTHER_VALUES)[0]
    for n, values in enumerate(_voxels(count, modality, rules)):
        image = _header(wanted, modality)
        image.ImageOrientationPatient = list(orientation)
        image.ImagePositionPatient = [float(axis * n * spacing) for axis in step]
        image.SliceThickness = spacing
        image.RescaleIntercept, image.RescaleSlope = intercept, 1
        yield image, values - intercept


def _voxels(count: int, modality: str, rules: GateRules) -> np.ndarray:
    """float, (count, rows, columns), in modality values."""
    outside, body, dense = _VALUES.get(modality, _OTHER_VALUES)
    if rules.value_range is not None:
        outside, dense = rules.value_range
        body = (outside + dense) / 2
    z, y, x = np.meshgrid(
        *(np.linspace(-1, 1, size) for size in (count, _SIZE, _SIZE)), indexing="ij"
    )
    around = z**2 / 2 + (y / 0.7) ** 2 + (x / 0.85) ** 2
    centre = (y - 0.3) ** 2 + (x - 0.2) ** 2 + z**2 / 4
    voxels = np.select([centre < 0.03, around < 1], [dense, body], outside)
    noise = np.random.default_rng(0).normal(0, (dense - outside) / 200, voxels.shape)
    return (voxels + noise).clip(outside, dense).round()


def _header(wanted: InputSeries, modality: str) -> Dataset:
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SpecificCharacterSet = "ISO_IR 192"
    image.SOPClassUID = UID(
        wanted.sop_class_uid[0]
        if wanted.sop_class_uid
        else _CLASSES.get(modality, SecondaryCaptureImageStorage)
    )
    image.SOPInstanceUID = generate_uid()
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.Modality = modality
    image.Manufacturer = "Airgate"
    image.PatientName, image.PatientID = "Sample^Made", "SAMPLE"
    image.PatientBirthDate = image.PatientSex = image.AccessionNumber = image.StudyTime = ""
    image.ReferringPhysicianName = image.StudyID = image.PositionReferenceIndicator = ""
    image.SeriesDescription = " ".join(wanted.description_includes[:1]) or "sample"
    if wanted.body_part_examined:
        image.BodyPartExamined = wanted.body_part_examined[0]
    if wanted.contrast is Contrast.WITH:
        image.ContrastBolusAgent = "sample"
    image.PixelSpacing = [3, 3]
    image.Rows = image.Columns = _SIZE
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 1
    return image
