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
    cosines = np.array(values(header, "ImageOrientationPatient"), dtype=float)
    if cosines.shape != (6,):
        return None
    normal = np.abs(np.cross(cosines[:3], cosines[3:]))
    return _PLANES[int(normal.argmax())] if normal.any() else None


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
    cosines = np.array(values(header, "ImageOrientationPatient"), dtype=float)
    position = np.array(values(header, "ImagePositionPatient"), dtype=float)
    if cosines.shape != (6,) or position.shape != (3,):
        return None
    return round(float(position @ np.cross(cosines[:3], cosines[3:])), 3)
