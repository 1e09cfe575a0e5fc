"""What thresholds leave out of a lung though it lies in it: vessels and small nodules."""

import numpy as np

from ai_models.ct.coarse import Coarse
from ai_models.ct.shapes import (
    IN_PLANE,
    boundary_box,
    closed,
    parts_of,
    reaching_edge,
    sizes,
)
from ai_models.lung_ct.bites import bites_of

CLOSING_MM = 6.0  # vessels at the hilum are closed over up to twice this width
LARGEST_HOLE_MM2 = 750.0  # a nodule of 30 mm has 707; wider is a mass, or the dome of the diaphragm


def filled(coarse: Coarse, sides: np.ndarray, near_airway: np.ndarray) -> np.ndarray:
    """The sides with their holes and narrow gaps filled: uint8, on the coarse grid."""
    result = sides.copy()
    for side in (1, 2):
        box = boundary_box(sides == side, coarse.voxels_in(3 * CLOSING_MM))
        lung = sides[box] == side
        whole = closed(lung, CLOSING_MM, coarse.spacing) & ~near_airway[box]
        whole |= _small_holes(whole, coarse)
        whole |= bites_of(whole, coarse) & ~near_airway[box]
        result[box][whole & (sides[box] == 0)] = side
    return result


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
