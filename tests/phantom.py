"""A small synthetic chest CT as DICOM instances, with measurements that are known.

    phantom = chest_phantom()                      # 56 slices of 5 mm, 256 x 256, half a second
    phantom = chest_phantom(noise=20, lungs_touch=True, cut_top=20)
    phantom.write(folder); phantom.truth.both.volume_ml

Same options, same bytes and UIDs. Patient, study and frame of reference follow from `seed`,
so two phantoms of one seed are two series of one study.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from standards.uids import derived_uid
from tests.phantom_anatomy import LEFT_LUNG, RIGHT_LUNG, Anatomy, Grid, draw, nodules, scanned

FIELD_OF_VIEW_MM = 380.0
MIDDLE_Z = {"chest": -5.0, "abdomen": -330.0, "head": 0.0}
SUPINE = (1, 0, 0, 0, 1, 0)


@dataclass(frozen=True)
class Options:
    """How the phantom is scanned and written; what it is made of is its anatomy.

    orientation: Image Orientation (Patient), axial, for instance (-1, 0, 0, 0, -1, 0).
    feet_first: Instance Number runs from head to feet. shuffled: the list is in no order.
    drop, cut_top, cut_bottom: slices left out: by index from the feet, or at an end.
    without: keywords left out of every header. hu_offset: added to every value.
    noise: standard deviation in HU, drawn anew in every voxel.
    """

    slices: int = 56
    slice_spacing: float = 5.0
    matrix: int = 256
    noise: float = 0.0
    orientation: tuple[int, ...] = SUPINE
    feet_first: bool = False
    shuffled: bool = False
    drop: tuple[int, ...] = ()
    cut_top: int = 0
    cut_bottom: int = 0
    cut_sides: int = 0
    without: tuple[str, ...] = ()
    hu_offset: int = 0
    kernel: str = "B30f"
    body_part: str = "CHEST"
    series_number: int = 2
    series_description: str = "CHEST 5.0 B30f"


@dataclass(frozen=True)
class LungTruth:
    """Counted on the noise-free image inside the drawn label."""

    volume_ml: float
    mean_hu: float
    laa950_percent: float
    perc15_hu: float


@dataclass(frozen=True, eq=False)
class Truth:
    """What is where, (slices, rows, columns) in the slice order of standards/volume.py.

    labels: uint8, 1 right lung, 2 left lung, 3 trachea and main bronchi, 4 liver. nodules: bool;
    they have the label of the lung they lie in. Numbers are None without that lung.
    """

    labels: np.ndarray
    nodules: np.ndarray
    right: LungTruth | None
    left: LungTruth | None
    both: LungTruth | None


@dataclass(frozen=True, eq=False)
class Phantom:
    instances: list[FileDataset]
    truth: Truth

    def write(self, folder: Path) -> list[Path]:
        """Save every instance as a Part 10 file; the paths, in the order of the instances."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{int(i.InstanceNumber):04}.dcm" for i in self.instances]
        for path, instance in zip(paths, self.instances, strict=True):
            instance.save_as(path, enforce_file_format=True)
        return paths


def chest_phantom(**changes: Any) -> Phantom:
    """A phantom with the given fields of Options and Anatomy; the others are as they are there."""
    of_anatomy = {k: v for k, v in changes.items() if k in Anatomy.__dataclass_fields__}
    of_scan = {k: v for k, v in changes.items() if k not in of_anatomy}
    anatomy, options = Anatomy(**of_anatomy), Options(**of_scan)
    hu, labels, balls, grid = _scan(anatomy, options.slices, options.slice_spacing, options.matrix)
    kept = [
        k
        for k in range(options.cut_bottom, options.slices - options.cut_top)
        if k not in options.drop
    ]
    side = slice(options.cut_sides, options.matrix - options.cut_sides)
    values = hu[kept][:, :, side] + options.hu_offset
    labels, balls = labels[kept][:, :, side], balls[kept][:, :, side]
    truth = _truth(values, labels, balls, _voxel_ml(options))
    if options.noise:
        rng = np.random.default_rng([anatomy.seed, 7])
        values = values + rng.normal(0, options.noise, values.shape).astype(np.float32)
    instances = _instances(anatomy, options, values, grid, kept)
    stacked = (_as_stacked(array, options) for array in (labels, balls))
    return Phantom(
        instances, replace(truth, **dict(zip(("labels", "nodules"), stacked, strict=True)))
    )


@lru_cache(maxsize=4)
def _scan(anatomy: Anatomy, slices: int, spacing: float, matrix: int):
    steps = (spacing, FIELD_OF_VIEW_MM / matrix, FIELD_OF_VIEW_MM / matrix)
    grid = Grid.regular((slices, matrix, matrix), steps, MIDDLE_Z[anatomy.region])
    hu, labels = draw(anatomy, grid)
    balls = nodules(anatomy, grid) & np.isin(labels, (RIGHT_LUNG, LEFT_LUNG))
    return scanned(hu), labels, balls, grid


def _voxel_ml(options: Options) -> float:
    return options.slice_spacing * (FIELD_OF_VIEW_MM / options.matrix) ** 2 / 1000


def _truth(hu: np.ndarray, labels: np.ndarray, balls: np.ndarray, voxel_ml: float) -> Truth:
    def of(*wanted: int) -> LungTruth | None:
        inside = np.rint(hu[np.isin(labels, wanted)])
        if not inside.size:
            return None
        return LungTruth(
            volume_ml=inside.size * voxel_ml,
            mean_hu=float(inside.mean()),
            laa950_percent=100 * float((inside < -950).mean()),
            perc15_hu=float(np.percentile(inside, 15)),
        )

    return Truth(labels, balls, of(RIGHT_LUNG), of(LEFT_LUNG), of(RIGHT_LUNG, LEFT_LUNG))


def _as_stacked(array: np.ndarray, options: Options) -> np.ndarray:
    """The array as a reader stacks it: rows, columns and slices run as the orientation says."""
    x_sign, y_sign = options.orientation[0], options.orientation[4]
    return array[:: x_sign * y_sign, ::y_sign, ::x_sign]


def _instances(
    anatomy: Anatomy, options: Options, values: np.ndarray, grid: Grid, kept: list[int]
) -> list[FileDataset]:
    x_sign, y_sign = options.orientation[0], options.orientation[4]
    x = grid.x[options.cut_sides : options.matrix - options.cut_sides].ravel()[::x_sign]
    y = grid.y.ravel()[::y_sign]
    stored = np.clip(np.rint(values), -1024, 3071).astype(np.int16) + np.int16(1024)
    common = _header(anatomy, options)
    instances = []
    for n, k in enumerate(kept):
        number = len(kept) - n if options.feet_first else n + 1
        z = float(grid.z[k, 0, 0])
        instance = _instance(common, number, (float(x[0]), float(y[0]), z))
        instance.PixelData = np.ascontiguousarray(stored[n, ::y_sign, ::x_sign]).tobytes()
        instance["PixelData"].VR = "OW"
        instance.Rows, instance.Columns = len(y), len(x)
        for keyword in options.without:
            del instance[keyword]
        instances.append(instance)
    if options.shuffled:
        np.random.default_rng(anatomy.seed).shuffle(instances)  # type: ignore[arg-type]
    return instances


def _header(anatomy: Anatomy, options: Options) -> dict[str, object]:
    """What is equal in all instances (PS3.3 A.3.3, CT Image IOD)."""
    patient = f"phantom {anatomy.seed}"
    pixel = _decimal(FIELD_OF_VIEW_MM / options.matrix)
    contrast: dict[str, object] = {"ContrastBolusAgent": "Iodine"} if anatomy.contrast else {}
    return contrast | {
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SOPClassUID": CTImageStorage,
        "StudyDate": "20260102",
        "SeriesDate": "20260102",
        "AcquisitionDate": "20260102",
        "ContentDate": "20260102",
        "StudyTime": "080000",
        "SeriesTime": "080100",
        "AcquisitionTime": "080110",
        "ContentTime": "080110",
        "AccessionNumber": f"PH{anatomy.seed:06}",
        "Modality": "CT",
        "Manufacturer": "Airgate",
        "ReferringPhysicianName": "",
        "StudyDescription": "CT CHEST WITHOUT CONTRAST",
        "SeriesDescription": options.series_description,
        "ManufacturerModelName": "Phantom",
        "PatientName": "Phantom^Chest",
        "PatientID": f"PHANTOM-{anatomy.seed}",
        "PatientBirthDate": "19600101",
        "PatientSex": "O",
        "BodyPartExamined": options.body_part,
        "SliceThickness": _decimal(options.slice_spacing),
        "KVP": "120",
        "SpacingBetweenSlices": _decimal(options.slice_spacing),
        "ConvolutionKernel": options.kernel,
        "PatientPosition": "FFS" if options.feet_first else "HFS",
        "StudyInstanceUID": derived_uid(patient, "study"),
        "SeriesInstanceUID": derived_uid(patient, "series", repr(anatomy), repr(options)),
        "StudyID": f"{anatomy.seed}",
        "SeriesNumber": options.series_number,
        "AcquisitionNumber": 1,
        "ImageOrientationPatient": list(options.orientation),
        "FrameOfReferenceUID": derived_uid(patient, "frame of reference"),
        "PositionReferenceIndicator": "",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "PixelSpacing": [pixel, pixel],
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "BurnedInAnnotation": "NO",
        "WindowCenter": "-600",
        "WindowWidth": "1500",
        "RescaleIntercept": "-1024",
        "RescaleSlope": "1",
        "RescaleType": "HU",
        "LossyImageCompression": "00",
    }


def _instance(
    common: dict[str, object], number: int, position: tuple[float, float, float]
) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    uid = UID(derived_uid("phantom instance", str(common["SeriesInstanceUID"]), str(number)))
    meta.MediaStorageSOPInstanceUID = uid
    instance = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    for keyword, value in common.items():
        setattr(instance, keyword, value)
    instance.SOPInstanceUID, instance.InstanceNumber = uid, number
    instance.ImagePositionPatient = [_decimal(value) for value in position]
    instance.SliceLocation = _decimal(position[2])
    return instance


def _decimal(value: float) -> str:
    """At most 16 characters, PS3.5 6.2 (DS)."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
