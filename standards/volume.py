"""A series of single-frame images <-> one volume of voxels with an LPS affine in mm."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.pixels.utils import pixel_array

from standards.errors import UnfitSeries

# Slices may lie this far from an even grid: scanners round positions to 0.1 mm or so.
POSITION_TOLERANCE_MM = 0.2
ORIENTATION_TOLERANCE = 1e-3

_SAME_IN_ALL = ("SeriesInstanceUID", "FrameOfReferenceUID", "PatientID", "Rows", "Columns")
_NEEDED = ("SeriesInstanceUID", "FrameOfReferenceUID", "Rows", "Columns")
_NUMBERS = {  # keyword -> how many
    "ImagePositionPatient": 3,
    "ImageOrientationPatient": 6,
    "PixelSpacing": 2,
    "RescaleSlope": 1,
    "RescaleIntercept": 1,
}
_PIXEL_DATA_GROUP = 0x7FE0
# What pydicom and its decoders raise for damaged, missing or unknown pixel data.
_UNDECODABLE = (AttributeError, EOFError, KeyError, RuntimeError, ValueError, struct.error)


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

    The voxels are int16 where every value fits exactly, else float32: CT stays small and exact.
    Raises UnfitSeries when an attribute is missing, when slices differ in what must be equal,
    when positions repeat or leave a gap, when Rescale is missing, or when pixel data cannot be
    decoded: a wrong number is worse than none. Follows PS3.3 C.7.6.2 and C.11.1.
    """
    ordered = in_slice_order(instances)
    first = modality_values(ordered[0])  # proves the size that the header claims
    voxels = np.empty((len(ordered), *first.shape), np.int16)
    for n, instance in enumerate(ordered):
        plane = modality_values(instance) if n else first
        if plane.dtype != voxels.dtype:
            voxels = voxels.astype(np.float32, copy=False)
        voxels[n] = plane
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
    heights = _heights(instances)
    order = np.argsort(heights, kind="stable")
    _check_steps(heights[order])
    return [instances[n] for n in order]


def affine_of(ordered: Sequence[Dataset]) -> np.ndarray:
    """The 4 x 4 matrix from (slice, row, column, 1) to LPS mm, of slices in order."""
    first, last = ordered[0], ordered[-1]
    along_row, along_column = _directions(first)
    row_step, column_step = _numbers(first, "PixelSpacing")
    start = _numbers(first, "ImagePositionPatient")
    affine = np.eye(4)
    affine[:3, 0] = (_numbers(last, "ImagePositionPatient") - start) / (len(ordered) - 1)
    affine[:3, 1] = along_column * row_step
    affine[:3, 2] = along_row * column_step
    affine[:3, 3] = start
    return affine


def modality_values(instance: Dataset) -> np.ndarray:
    """Stored values times Rescale Slope plus Rescale Intercept (PS3.3 C.11.1), (rows, columns).

    int16 where that holds every value exactly, else float32. Raises UnfitSeries when pixel data
    cannot be decoded or Rescale is missing. The instance keeps no decoded copy.
    """
    (slope,), (intercept,) = (
        _numbers(instance, "RescaleSlope"),
        _numbers(instance, "RescaleIntercept"),
    )
    stored = _stored_values(instance)
    if slope == 1 and float(intercept).is_integer():
        shift, fits = int(intercept), np.iinfo(np.int16)
        if fits.min <= int(stored.min()) + shift and int(stored.max()) + shift <= fits.max:
            return np.add(stored, shift, dtype=np.int32).astype(np.int16)
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def _stored_values(instance: Dataset) -> np.ndarray:
    try:
        stored = pixel_array(instance)
    except _UNDECODABLE as error:
        found = f"an image that cannot be decoded ({type(error).__name__})"
        expected = "pixel data as Rows, Columns, Bits Allocated and the transfer syntax say"
        raise UnfitSeries("PixelData", found, expected) from error
    if stored.shape != (instance.Rows, instance.Columns):
        raise UnfitSeries("PixelData", f"shape {stored.shape}", "one plane of rows and columns")
    return stored


def _check_one(instance: Dataset) -> None:
    for keyword in _NEEDED:
        if instance.get(keyword) in (None, ""):
            raise UnfitSeries(keyword, "an image without it", "a value in every image")
    for keyword in _NUMBERS:
        _numbers(instance, keyword)
    if _numbers(instance, "RescaleSlope")[0] == 0:
        raise UnfitSeries("RescaleSlope", "0", "a slope that keeps the image")
    if int(instance.get("NumberOfFrames") or 1) != 1:
        raise UnfitSeries("NumberOfFrames", str(instance.NumberOfFrames), "single-frame images")
    if instance.get("PhotometricInterpretation") != "MONOCHROME2":
        found = str(instance.get("PhotometricInterpretation"))
        raise UnfitSeries("PhotometricInterpretation", found, "MONOCHROME2")
    spacing = _numbers(instance, "PixelSpacing")
    if spacing.min() <= 0:
        raise UnfitSeries("PixelSpacing", str(spacing.tolist()), "two distances above 0 mm")
    along_row, along_column = _directions(instance)
    off = max(abs(np.linalg.norm(along_row) - 1), abs(np.linalg.norm(along_column) - 1))
    if off > 0.01 or abs(float(along_row @ along_column)) > 0.01:
        raise UnfitSeries(
            "ImageOrientationPatient",
            "axes that are not orthogonal unit vectors",
            "two orthogonal directions of length 1 (PS3.3 C.7.6.2.1.1)",
        )


def _heights(instances: Sequence[Dataset]) -> np.ndarray:
    """Positions along the normal in mm, after checking that all planes lie above one another."""
    for keyword in ("ImageOrientationPatient", "PixelSpacing"):
        values = np.array([_numbers(instance, keyword) for instance in instances])
        if np.ptp(values, axis=0).max() > ORIENTATION_TOLERANCE:
            raise UnfitSeries(keyword, "several values", "one value in the series")
    normal = np.cross(*_directions(instances[0]))
    normal /= np.linalg.norm(normal)
    positions = np.array([_numbers(instance, "ImagePositionPatient") for instance in instances])
    heights = positions @ normal
    in_plane = positions - np.outer(heights, normal)
    if np.ptp(in_plane, axis=0).max() > POSITION_TOLERANCE_MM * 5:
        raise UnfitSeries(
            "gantry tilt or shift", "slices that do not lie above one another", "a straight stack"
        )
    return heights


def _check_steps(heights: np.ndarray) -> None:
    steps = np.diff(heights)
    if steps.min() < POSITION_TOLERANCE_MM / 2:
        raise UnfitSeries("slice positions", "two slices at one place", "one slice a position")
    middle = float(np.median(steps))
    if np.abs(steps - middle).max() > max(POSITION_TOLERANCE_MM, 0.05 * middle):
        found = f"steps from {steps.min():.2f} to {steps.max():.2f} mm"
        raise UnfitSeries("slice positions", found, f"even steps of {middle:.2f} mm, no gap")


def _numbers(instance: Dataset, keyword: str) -> np.ndarray:
    """The values of a numeric attribute. Raises UnfitSeries unless all are there and finite."""
    count = _NUMBERS[keyword]
    try:
        value = instance.get(keyword)
        numbers = np.array([] if value in (None, "") else value, dtype=float).reshape(-1)
    except (TypeError, ValueError) as error:
        raise UnfitSeries(keyword, "text that is no number", f"{count} number(s)") from error
    if not numbers.size:
        raise UnfitSeries(keyword, "an image without it", "a value in every image")
    if numbers.size != count or not np.isfinite(numbers).all():
        raise UnfitSeries(keyword, f"{numbers.tolist()}", f"{count} finite number(s)")
    return numbers


def _directions(instance: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors along a row and along a column of the image."""
    numbers = _numbers(instance, "ImageOrientationPatient")
    return numbers[:3], numbers[3:]


def _header(instance: Dataset) -> Dataset:
    """The instance without pixel data; texts go on being read in its own character set."""
    header = Dataset()
    header.set_original_encoding(*instance.original_encoding, instance.original_character_set)
    kept = [tag for tag in instance.keys() if tag.group != _PIXEL_DATA_GROUP]  # noqa: SIM118 (a Dataset iterates over elements)
    header.update({tag: instance.get_item(tag) for tag in kept})
    return header
