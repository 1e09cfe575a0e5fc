"""The outline of a mask as closed polylines, in the image coordinates that DICOM draws in."""

import numpy as np
from skimage.measure import approximate_polygon, find_contours

# Points of an outline may lie this far from the mask's own staircase: below what is seen at
# any zoom of a viewer, and a quarter of the points remain.
_TOLERANCE_PIXELS = 0.3

# Viewers count the pixels inside an outline by lines through the pixels' centres. A point exactly
# on such a line is counted twice or not at all (OHIF 3.13 then told a lung 150 HU too dense), so
# outlines lie this little beside the mask's own border, which no measure of area or place feels.
_BESIDE_CENTRES_PIXELS = 0.01


def outlines(mask: np.ndarray) -> list[np.ndarray]:
    """Closed outlines around everything that is marked, the one that encloses most first.

    mask: bool, (rows, columns). Holes have outlines of their own.
    Returns float64 arrays (points, 2) of (column, row) with the first point repeated as the
    last; the top left corner of the top left pixel is (0, 0) and its centre (0.5, 0.5), as
    SCOORD (PS3.3 C.18.6) and graphic annotations in PIXEL units (PS3.3 C.10.5) count.
    All points are inside the image: 0 to columns, 0 to rows. Empty list where nothing is marked.
    """
    rows, columns = np.nonzero(mask)
    if rows.size == 0:
        return []
    # Only the marked box is searched, with a margin so that outlines close at the image's edge.
    top, left = int(rows.min()), int(columns.min())
    box = mask[top : int(rows.max()) + 1, left : int(columns.max()) + 1]
    found = find_contours(np.pad(box, 1).astype(np.float32), 0.5)
    to_image = (
        np.array([left, top]) - 1 + 0.5 + _BESIDE_CENTRES_PIXELS
    )  # 1: the margin; 0.5: a pixel's centre
    closed = [
        np.clip(approximate_polygon(curve, _TOLERANCE_PIXELS) + to_image[::-1], 0, mask.shape)
        for curve in found
    ]
    closed = [curve[:, ::-1] for curve in closed]
    return sorted((c for c in closed if len(c) > 3), key=enclosed_area, reverse=True)


def enclosed_area(outline: np.ndarray) -> float:
    """Area inside a closed outline, in square pixels (the shoelace formula)."""
    x, y = outline[:, 0], outline[:, 1]
    return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2
