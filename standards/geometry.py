"""Where the images of a series lie, read from DICOM JSON headers alone."""

from collections.abc import Sequence

import numpy as np

from standards.study import Header, values

# The patient axis (LPS) that the normal of a plane follows, by its usual name.
_PLANES = {0: "sagittal", 1: "coronal", 2: "axial"}


def orientation(header: Header) -> str | None:
    """`axial`, `coronal` or `sagittal`, whichever is nearest; None without a usable orientation.

    PS3.3 C.7.6.2.1.1, Image Orientation (Patient).
    """
    normal = _normal(header)
    if normal is None or not any(normal):
        return None
    return _PLANES[max(_PLANES, key=lambda axis: abs(normal[axis]))]


def slice_spacing_mm(headers: Sequence[Header]) -> float | None:
    """Median distance of neighbouring slices along the normal; None when it cannot be known."""
    gaps = _gaps_mm(headers)
    return float(np.median(gaps)) if gaps.size else None


def spacing_deviation(headers: Sequence[Header]) -> float | None:
    """How far the most different gap between slices is from the median one, as a share of it."""
    gaps = _gaps_mm(headers)
    if not gaps.size:
        return None
    median = float(np.median(gaps))
    return float(np.abs(gaps - median).max()) / median


def _gaps_mm(headers: Sequence[Header]) -> np.ndarray:
    heights = sorted({height for header in headers if (height := _height(header)) is not None})
    return np.diff(heights)


def _height(header: Header) -> float | None:
    """Where a slice lies along its normal, in mm."""
    normal, position = _normal(header), _numbers(header, "ImagePositionPatient", 3)
    if normal is None or position is None:
        return None
    return round(sum(p * n for p, n in zip(position, normal, strict=True)), 3)


def _normal(header: Header) -> tuple[float, float, float] | None:
    """Plain numbers: arrays of three cost ten times as much, and a study has thousands."""
    cosines = _numbers(header, "ImageOrientationPatient", 6)
    if cosines is None:
        return None
    a, b, c, d, e, f = cosines
    return b * f - c * e, c * d - a * f, a * e - b * d


def _numbers(header: Header, keyword: str, count: int) -> list[float] | None:
    """What a header should hold; None where it holds something else."""
    found = values(header, keyword)
    fits = len(found) == count and all(isinstance(one, int | float) for one in found)
    return [float(one) for one in found] if fits else None
