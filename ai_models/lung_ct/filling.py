"""What thresholds leave out of a lung though it lies in it: vessels and small nodules."""

import numpy as np

from ai_models.lung_ct.coarse import Coarse
from ai_models.lung_ct.shapes import (
    IN_PLANE,
    boundary_box,
    depth_mm,
    dilated,
    parts_of,
    reaching_edge,
    sizes,
)

CLOSING_MM = 6.0  # vessels at the hilum are closed over up to twice this width
LARGEST_HOLE_MM2 = 600.0  # a wider section is no vessel: a mass, or the dome of the diaphragm


def filled(coarse: Coarse, sides: np.ndarray, near_airway: np.ndarray) -> np.ndarray:
    """The sides with their holes and narrow gaps filled: uint8, on the coarse grid."""
    result = sides.copy()
    for side in (1, 2):
        box = boundary_box(sides == side, coarse.voxels_in(3 * CLOSING_MM))
        lung = sides[box] == side
        closed = _closed(lung, coarse) & ~near_airway[box]
        whole = closed | _small_holes(closed, coarse)
        result[box][whole & (sides[box] == 0)] = side
    return result


def _closed(lung: np.ndarray, coarse: Coarse) -> np.ndarray:
    """Close gaps within each slice."""
    steps = coarse.spacing[1:]
    closed = np.zeros_like(lung)
    for n, plane in enumerate(lung):
        if plane.any():
            closed[n] = depth_mm(dilated(plane, CLOSING_MM, steps), steps) > CLOSING_MM
    return closed | lung


def _small_holes(lung: np.ndarray, coarse: Coarse) -> np.ndarray:
    """Holes within slices, but not those that are the tip of something large.

    The dome of the diaphragm is a hole in a slice too: what joins, from slice to slice, with a
    section that is too wide for a vessel stays outside.
    """
    sections, _ = parts_of(~lung & ~reaching_edge(~lung), IN_PLANE)
    wide = sizes(sections) * coarse.spacing[1] * coarse.spacing[2] > LARGEST_HOLE_MM2
    holes = sections > 0
    joined, number = parts_of(holes)
    too_large = np.zeros(number + 1, bool)
    too_large[joined[wide[sections]]] = True
    return holes & ~too_large[joined]
