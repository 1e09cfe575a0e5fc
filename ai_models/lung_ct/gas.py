"""Air in the body that is not in the lung: stomach and bowel, and most of the trachea."""

import numpy as np
from scipy import ndimage

from ai_models.ct.coarse import Coarse
from ai_models.ct.shapes import IN_PLANE, boundary_box, dilated, parts_of, sizes

GAS_HU = -930
MEDIAN_GAS_HU = -970
TISSUE_HU = -500
SMALLEST_ML, LARGEST_ML = 4.0, 900.0
RIM_MM, RIM_VOXELS = 5.0, 2.5  # whichever is more
TISSUE_SHARE = 0.5


def gas_of(coarse: Coarse, cavities: np.ndarray) -> np.ndarray:
    """Pockets of air, with their rims, that soft tissue surrounds: bool, on the coarse grid.

    Thin walls blur: gas in the stomach may join the lung above it. A bulla is as dark as gas,
    but lung surrounds it.
    """
    gas = np.zeros_like(cavities)
    dark = ndimage.binary_opening(cavities & (coarse.hu < GAS_HU), IN_PLANE)
    labels, _ = parts_of(dark)
    volumes = sizes(labels) * coarse.voxel_ml
    reach = max(RIM_MM, RIM_VOXELS * max(coarse.spacing[1:]))
    for n in np.flatnonzero((volumes >= SMALLEST_ML) & (volumes <= LARGEST_ML)):
        box = boundary_box(labels == n, [k + 1 for k in coarse.voxels_in(reach)])
        pocket, hu = labels[box] == n, coarse.hu[box]
        rim = dilated(pocket, reach, coarse.spacing) & ~pocket
        surrounded = float((hu[rim & (hu > GAS_HU)] > TISSUE_HU).mean()) >= TISSUE_SHARE
        if surrounded and np.median(hu[pocket]) <= MEDIAN_GAS_HU:
            gas[box] |= pocket | rim
    return gas
