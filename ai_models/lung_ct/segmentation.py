"""Where the lungs are: thresholds and shapes, first coarse, then exact at the border.

All arrays here run from feet to head along their first axis; columns may run either way.
"""

import numpy as np
from scipy import ndimage

from ai_models.contract import NoResult
from ai_models.ct.body import body_of
from ai_models.ct.checks import check_values
from ai_models.ct.coarse import Coarse
from ai_models.ct.shapes import IN_PLANE, boundary_box, dilated, parts_of, reaching_edge, sizes
from ai_models.lung_ct.airway import airway_of
from ai_models.lung_ct.checks import (
    CUT_SHARE,
    CUT_SHARE_WITH_AIRWAY,
    check_calibration,
    check_ends,
    check_sides,
)
from ai_models.lung_ct.filling import filled
from ai_models.lung_ct.gas import gas_of
from ai_models.lung_ct.sides import sides_of

AIR_HU = -500
SOFT_TISSUE_HU = 40
SMALLEST_PART_ML = 15.0
WALL_MM = 2.0


def segmented(
    voxels: np.ndarray, spacing: tuple[float, float, float], left_is_higher: bool
) -> np.ndarray:
    """Both lungs of a chest CT: uint8, shaped as the voxels, 1 right lung, 2 left lung.

    voxels: HU; spacing: mm along slices, rows and columns; left_is_higher: whether columns run
    towards the patient's left. Raises NoResult where this is no whole chest in HU.
    """
    coarse = Coarse.of(voxels, spacing)
    check_values(coarse)
    air = coarse.hu < AIR_HU
    cavities, body = air & ~reaching_edge(air), body_of(coarse)
    check_sides(coarse, body)
    lungs = cavities & ~gas_of(coarse, cavities)
    check_ends(_lung_parts(coarse, lungs, body), CUT_SHARE_WITH_AIRWAY)
    airway = airway_of(coarse, cavities, float(np.nonzero(body)[2].mean()))
    check_calibration(coarse, airway, body)
    near_airway = dilated_in_box(airway, WALL_MM, coarse)
    sides = sides_of(coarse, _lung_parts(coarse, lungs & ~near_airway, body), left_is_higher)
    check_ends(sides > 0, CUT_SHARE)
    return _refined(voxels, coarse, sides, near_airway)


def dilated_in_box(mask: np.ndarray, radius: float, coarse: Coarse) -> np.ndarray:
    """A mask grown by some mm, computed only around it."""
    box = boundary_box(mask, [n + 1 for n in coarse.voxels_in(radius)])
    result = np.zeros_like(mask)
    result[box] = dilated(mask[box], radius, coarse.spacing)
    return result


def _lung_parts(coarse: Coarse, cavities: np.ndarray, body: np.ndarray) -> np.ndarray:
    """The cavities that are lung by size and place, bool."""
    labels, count = parts_of(cavities)
    volumes = sizes(labels)
    inside = np.bincount(labels[body], minlength=count + 1)
    lung = (volumes * coarse.voxel_ml >= SMALLEST_PART_ML) & (inside > volumes / 2)
    if not lung.any():
        raise NoResult("lungs", "no lung inside the body", "both lungs, as a chest CT shows them")
    return lung[labels]


def _refined(
    voxels: np.ndarray, coarse: Coarse, sides: np.ndarray, near_airway: np.ndarray
) -> np.ndarray:
    """Draw the border voxel by voxel.

    Near the coarse border a voxel belongs to the lung by its own value, divided half way between
    lung and tissue; further inside, and where holes were filled, it belongs whatever its value.
    """
    threshold = (float(np.median(coarse.hu[sides > 0])) + SOFT_TISSUE_HU) / 2
    whole = filled(coarse, sides, near_airway)
    core = ndimage.binary_erosion(whole > 0, IN_PLANE) | ((whole > 0) & (sides == 0))
    inside = np.where(core, whole, 0)
    reach = np.where(sides > 0, sides, ndimage.grey_dilation(sides, footprint=IN_PLANE))
    reach[near_airway] = 0
    labels = np.zeros(voxels.shape, np.uint8)
    for n, plane in enumerate(voxels):
        k = n // coarse.factors[0]
        if reach[k].any():
            labels[n] = np.where(plane < threshold, coarse.enlarged(reach[k]), 0)
            np.maximum(labels[n], coarse.enlarged(inside[k]), out=labels[n])
    return labels
