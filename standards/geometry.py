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
    heights = sorted({height for header in headers if (height := _height(header)) is not None})
    if len(heights) < 2:
        return None
    return float(np.median(np.diff(heights)))


def _height(header: Header) -> float | None:
    cosines = np.array(values(header, "ImageOrientationPatient"), dtype=float)
    position = np.array(values(header, "ImagePositionPatient"), dtype=float)
    if cosines.shape != (6,) or position.shape != (3,):
        return None
    return round(float(position @ np.cross(cosines[:3], cosines[3:])), 3)
