"""Bites out of the outline of a lung: nodules that touch the chest wall."""

import numpy as np
from scipy import ndimage

from ai_models.ct.coarse import Coarse
from ai_models.ct.shapes import IN_PLANE, boundary_box, closed, parts_of, sizes

REACH_MM = 20.0  # an outline is bridged over less than twice this width
BITE_ML = (0.15, 16.0)  # a ball of 30 mm has 14
LUNG_SHARE = 0.7  # of what surrounds a bite; heart, hilum and great vessels have 0.6 or less
COMPACTNESS = 0.8  # of the ellipsoid in its box; recesses of the mediastinum have 0.6 or less


def bites_of(lung: np.ndarray, coarse: Coarse) -> np.ndarray:
    """The compact lumps that lung surrounds almost wholly: bool, as the mask of one filled lung."""
    margin = [0, *(n + 1 for n in coarse.voxels_in(REACH_MM)[1:])]
    box = boundary_box(lung, margin)
    gaps = ndimage.binary_opening(
        closed(lung[box], REACH_MM, coarse.spacing) & ~lung[box], IN_PLANE
    )
    labels, count = parts_of(gaps)
    volumes = sizes(labels) * coarse.voxel_ml
    is_bite = np.zeros(count + 1, bool)
    for n, where in enumerate(ndimage.find_objects(labels), start=1):
        if BITE_ML[0] <= volumes[n] <= BITE_ML[1]:
            around = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in where)
            is_bite[n] = _is_bite(labels[around] == n, lung[box][around])
    bites = np.zeros_like(lung)
    bites[box] = is_bite[labels]
    return bites


def _is_bite(lump: np.ndarray, lung: np.ndarray) -> bool:
    """Whether a lump is round and lies in the lung; both arrays reach one voxel around it."""
    rim = ndimage.binary_dilation(lump) & ~lump
    extent = [np.ptp(axis) + 1 for axis in np.nonzero(lump)]
    ellipsoid = np.pi / 6 * np.prod(extent)
    return bool(lung[rim].mean() >= LUNG_SHARE and lump.sum() >= COMPACTNESS * ellipsoid)
