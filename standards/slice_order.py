"""Whether images lie above one another in even steps, in which order, and where in the patient."""

from collections.abc import Sequence

import numpy as np
from pydicom import Dataset

from standards.errors import UnfitSeries
from standards.modality_values import check_transformation
from standards.numbers import has, numbers

# Slices may lie this far from an even grid: scanners round positions to 0.1 mm or so.
POSITION_TOLERANCE_MM = 0.2
ORIENTATION_TOLERANCE = 1e-3

_SAME_IN_ALL = ("SeriesInstanceUID", "FrameOfReferenceUID", "PatientID", "Rows", "Columns")
_NEEDED = ("SeriesInstanceUID", "FrameOfReferenceUID", "Rows", "Columns")
_GEOMETRY = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}


def slice_order(headers: Sequence[Dataset]) -> np.ndarray:
    """Indices of the headers, sorted by position along the normal of the image plane.

    Raises UnfitSeries unless a volume can be made of them.
    """
    if len(headers) < 2:
        raise UnfitSeries("slice count", f"{len(headers)} image(s)", "two or more slices")
    for header in headers:
        check_one(header)
    for keyword in _SAME_IN_ALL:
        values = {str(header.get(keyword, "")) for header in headers}
        if len(values) > 1:
            raise UnfitSeries(keyword, f"{len(values)} different values", "one value in the series")
    heights = _heights(headers)
    order = np.argsort(heights, kind="stable")
    _check_steps(heights[order])
    return order


def in_slice_order(headers: Sequence[Dataset]) -> list[Dataset]:
    """The headers sorted as `slice_order` says, with its errors."""
    return [headers[n] for n in slice_order(headers)]


def affine_of(ordered: Sequence[Dataset]) -> np.ndarray:
    """The 4 x 4 matrix from (slice, row, column, 1) to LPS mm, of slices in order.

    PS3.3 C.7.6.2.1.1, with the slices along the first axis.
    """
    first, last = ordered[0], ordered[-1]
    along_row, along_column = _directions(first)
    row_step, column_step = _geometry(first, "PixelSpacing")
    start = _geometry(first, "ImagePositionPatient")
    affine = np.eye(4)
    affine[:3, 0] = (_geometry(last, "ImagePositionPatient") - start) / (len(ordered) - 1)
    affine[:3, 1] = along_column * row_step
    affine[:3, 2] = along_row * column_step
    affine[:3, 3] = start
    return affine


def check_one(header: Dataset) -> None:
    """Raises UnfitSeries unless the header of one slice says all that a volume needs of it."""
    for keyword in _NEEDED:
        if not has(header, keyword):
            raise UnfitSeries(keyword, "an image without it", "a value in every image")
    for keyword in _GEOMETRY:
        _geometry(header, keyword)
    check_transformation(header)
    if header.get("PhotometricInterpretation") != "MONOCHROME2":
        found = str(header.get("PhotometricInterpretation"))
        raise UnfitSeries("PhotometricInterpretation", found, "MONOCHROME2")
    spacing = _geometry(header, "PixelSpacing")
    if spacing.min() <= 0:
        raise UnfitSeries("PixelSpacing", str(spacing.tolist()), "two distances above 0 mm")
    along_row, along_column = _directions(header)
    off = max(abs(np.linalg.norm(along_row) - 1), abs(np.linalg.norm(along_column) - 1))
    if off > 0.01 or abs(float(along_row @ along_column)) > 0.01:
        raise UnfitSeries(
            "ImageOrientationPatient",
            "axes that are not orthogonal unit vectors",
            "two orthogonal directions of length 1 (PS3.3 C.7.6.2.1.1)",
        )


def _heights(headers: Sequence[Dataset]) -> np.ndarray:
    """Positions along the normal in mm, after checking that all planes lie above one another."""
    for keyword in ("ImageOrientationPatient", "PixelSpacing"):
        values = np.array([_geometry(header, keyword) for header in headers])
        if np.ptp(values, axis=0).max() > ORIENTATION_TOLERANCE:
            raise UnfitSeries(keyword, "several values", "one value in the series")
    normal = np.cross(*_directions(headers[0]))
    normal /= np.linalg.norm(normal)
    positions = np.array([_geometry(header, "ImagePositionPatient") for header in headers])
    heights = positions @ normal
    in_plane = positions - np.outer(heights, normal)
    off = float(np.ptp(in_plane, axis=0).max())
    if off > POSITION_TOLERANCE_MM * 5:
        found = f"slices that do not lie above one another, but {off:.1f} mm beside"
        raise UnfitSeries(
            "gantry tilt or shift",
            found,
            f"a straight stack, within {POSITION_TOLERANCE_MM * 5:g} mm",
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


def _geometry(header: Dataset, keyword: str) -> np.ndarray:
    return numbers(header, keyword, _GEOMETRY[keyword])


def _directions(header: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors along a row and along a column of the image."""
    cosines = _geometry(header, "ImageOrientationPatient")
    return cosines[:3], cosines[3:]
