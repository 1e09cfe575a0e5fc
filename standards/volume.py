"""A series of single-frame images <-> one volume of voxels with an LPS affine in mm."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from standards.errors import UnfitSeries

# Slices may lie this far from an even grid: scanners round positions to 0.1 mm or so.
POSITION_TOLERANCE_MM = 0.2
ORIENTATION_TOLERANCE = 1e-3

_SAME_IN_ALL = ("SeriesInstanceUID", "FrameOfReferenceUID", "PatientID", "Rows", "Columns")
_NEEDED = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Voxels in modality values, with their place in the patient.

    voxels: float32 or int16, (slices, rows, columns), modality values (HU for CT): Rescale
        Slope and Intercept are applied (PS3.3 C.11.1).
    affine: float64, 4 x 4, maps (slice, row, column, 1) to patient coordinates, LPS, in mm
        (PS3.3 C.7.6.2.1.1).
    instances: headers in slice order, sorted along the normal of the image plane (for an axial
        series from feet to head); without pixel data.
    """

    voxels: np.ndarray
    affine: np.ndarray
    instances: tuple[Dataset, ...]

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance in mm between neighbours along slices, rows and columns."""
        steps = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(steps[0]), float(steps[1]), float(steps[2])

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000.0


def volume_of(instances: Sequence[Dataset]) -> Volume:
    """Build the volume of one single-frame series, pixel data included.

    Raises UnfitSeries when an attribute is missing, when slices differ in what must be equal,
    when positions repeat or leave a gap, or when Rescale is missing: a wrong number is worse
    than none. Decoding is pydicom's. Follows PS3.3 C.7.6.2 and C.11.1.
    """
    ordered = in_slice_order(instances)
    voxels = np.empty((len(ordered), ordered[0].Rows, ordered[0].Columns), _dtype_for(ordered))
    for plane, instance in zip(voxels, ordered, strict=True):
        plane[...] = modality_values(instance)
    return Volume(voxels, affine_of(ordered), tuple(_header(i) for i in ordered))


def in_slice_order(instances: Sequence[Dataset]) -> list[Dataset]:
    """Sort by position along the normal, after checking that a volume can be made of them."""
    if len(instances) < 2:
        raise UnfitSeries("slice count", f"{len(instances)} image(s)", "two or more slices")
    for instance in instances:
        _check_one(instance)
    for keyword in _SAME_IN_ALL:
        values = {str(instance.get(keyword, "")) for instance in instances}
        if len(values) > 1:
            raise UnfitSeries(keyword, f"{len(values)} different values", "one value in the series")
    _check_same_plane(instances)
    ordered = sorted(instances, key=_height)
    _check_gaps(np.array([_height(instance) for instance in ordered]))
    return ordered


def affine_of(ordered: Sequence[Dataset]) -> np.ndarray:
    """The 4 x 4 matrix from (slice, row, column, 1) to LPS mm, of slices in order."""
    first, last = ordered[0], ordered[-1]
    along_row, along_column = _directions(first)
    row_step, column_step = (float(value) for value in first.PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0] = (_position(last) - _position(first)) / (len(ordered) - 1)
    affine[:3, 1] = along_column * row_step
    affine[:3, 2] = along_row * column_step
    affine[:3, 3] = _position(first)
    return affine


def modality_values(instance: Dataset) -> np.ndarray:
    """Stored values times Rescale Slope plus Rescale Intercept, as float32 or int16 (PS3.3 C.11.1)."""
    stored = instance.pixel_array
    slope, intercept = float(instance.RescaleSlope), float(instance.RescaleIntercept)
    if slope == 1 and intercept.is_integer():
        return stored.astype(np.int32) + int(intercept)
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def _check_one(instance: Dataset) -> None:
    for keyword in _NEEDED:
        if instance.get(keyword) in (None, ""):
            raise UnfitSeries(keyword, "an image without it", "a value in every image")
    if instance.get("RescaleSlope") in (None, "") or instance.get("RescaleIntercept") in (None, ""):
        raise UnfitSeries("Rescale Slope and Intercept", "an image without them", "both present")
    if float(instance.RescaleSlope) == 0:
        raise UnfitSeries("Rescale Slope", "0", "a slope that keeps the image")
    if int(instance.get("NumberOfFrames") or 1) != 1:
        raise UnfitSeries("NumberOfFrames", str(instance.NumberOfFrames), "single-frame images")
    if instance.get("PhotometricInterpretation") != "MONOCHROME2":
        found = str(instance.get("PhotometricInterpretation"))
        raise UnfitSeries("PhotometricInterpretation", found, "MONOCHROME2")
    spacing = [float(value) for value in instance.PixelSpacing]
    if len(spacing) != 2 or min(spacing) <= 0:
        raise UnfitSeries("PixelSpacing", str(spacing), "two distances above 0 mm")
    along_row, along_column = _directions(instance)
    off = max(abs(np.linalg.norm(along_row) - 1), abs(np.linalg.norm(along_column) - 1))
    if off > 0.01 or abs(float(along_row @ along_column)) > 0.01:
        raise UnfitSeries(
            "ImageOrientationPatient",
            "axes that are not orthogonal unit vectors",
            "PS3.3 C.7.6.2.1.1",
        )


def _check_same_plane(instances: Sequence[Dataset]) -> None:
    orientations = np.array([i.ImageOrientationPatient for i in instances], dtype=float)
    if np.ptp(orientations, axis=0).max() > ORIENTATION_TOLERANCE:
        raise UnfitSeries("ImageOrientationPatient", "several orientations", "parallel slices")
    spacings = np.array([i.PixelSpacing for i in instances], dtype=float)
    if np.ptp(spacings, axis=0).max() > ORIENTATION_TOLERANCE:
        raise UnfitSeries("PixelSpacing", "several values", "one value in the series")
    normal = _normal(instances[0])
    positions = np.array([i.ImagePositionPatient for i in instances], dtype=float)
    in_plane = positions - np.outer(positions @ normal, normal)
    if np.ptp(in_plane, axis=0).max() > POSITION_TOLERANCE_MM * 5:
        raise UnfitSeries(
            "gantry tilt or shift", "slices that do not lie above one another", "a straight stack"
        )


def _check_gaps(heights: np.ndarray) -> None:
    steps = np.diff(heights)
    if steps.min() < POSITION_TOLERANCE_MM / 2:
        raise UnfitSeries("slice positions", "two slices at one place", "one slice a position")
    middle = float(np.median(steps))
    if np.abs(steps - middle).max() > max(POSITION_TOLERANCE_MM, 0.05 * middle):
        found = f"steps from {steps.min():.2f} to {steps.max():.2f} mm"
        raise UnfitSeries("slice positions", found, f"even steps of {middle:.2f} mm, no gap")


def _dtype_for(instances: Sequence[Dataset]) -> type[np.generic]:
    """int16 where every value fits exactly, else float32: CT stays small and exact."""
    whole = all(
        float(i.RescaleSlope) == 1 and float(i.RescaleIntercept).is_integer() for i in instances
    )
    narrow = all(int(i.BitsStored) < 16 or int(i.PixelRepresentation) == 1 for i in instances)
    small = all(-16384 <= float(i.RescaleIntercept) <= 0 for i in instances)
    bits = all(int(i.BitsStored) <= 15 for i in instances)
    return np.int16 if whole and narrow and small and bits else np.float32


def _header(instance: Dataset) -> Dataset:
    header = Dataset()
    header.update({tag: instance.get_item(tag) for tag in instance.keys() if tag != 0x7FE00010})  # noqa: SIM118 (a Dataset iterates over elements)
    return header


def _directions(instance: Dataset) -> tuple[np.ndarray, np.ndarray]:
    values = np.array(instance.ImageOrientationPatient, dtype=float)
    if values.shape != (6,):
        raise UnfitSeries("ImageOrientationPatient", f"{values.size} values", "six")
    return values[:3], values[3:]


def _normal(instance: Dataset) -> np.ndarray:
    return np.cross(*_directions(instance))


def _position(instance: Dataset) -> np.ndarray:
    return np.array(instance.ImagePositionPatient, dtype=float)


def _height(instance: Dataset) -> float:
    return float(_position(instance) @ _normal(instance))
