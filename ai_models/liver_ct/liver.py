"""Where the liver can be measured: deep in the soft tissue under the right lung.

All arrays here run from feet to head, from front to back and from right to left.
"""

import numpy as np
from scipy import ndimage

from ai_models.contract import NoResult
from ai_models.ct.body import body_of
from ai_models.ct.checks import check_values
from ai_models.ct.coarse import Coarse
from ai_models.ct.shapes import depth_mm, parts_of, sizes
from ai_models.liver_ct.checks import check_evenness, check_no_contrast

SMOOTHING_MM = 3.0
TISSUE_HU = (-40.0, 130.0)  # of what may be liver, once smoothed
BESIDE_MIDLINE_MM = 15.0
DEPTH_MM = 15.0  # nearer to the border of the organ nothing is measured
SMALLEST_ML = 40.0
AIR_HU = -500
LUNG_ABOVE_MM = 50.0  # of which DEPTH_MM belong to the liver and some to the diaphragm
LUNG_ABOVE_SHARE = 0.6
ALIKE_HU = 20.0  # vessels, cysts and masses are further from the median than this


def measured_part(voxels: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """The inner part of the liver, without vessels and cysts: bool, shaped as the voxels.

    voxels: HU, upright; spacing: mm along slices, rows and columns. Raises NoResult where no
    liver is seen under the right lung, or where contrast medium is seen.
    """
    coarse = Coarse.of(voxels, spacing)
    check_values(coarse)
    body = body_of(coarse)
    smooth = _smoothed(coarse)
    check_no_contrast(coarse, smooth, body)
    liver = _liver(coarse, smooth, body)
    alike = liver & (np.abs(smooth - np.median(smooth[liver])) <= ALIKE_HU)
    check_evenness(np.count_nonzero(alike) / np.count_nonzero(liver))
    planes = [coarse.enlarged(alike[n // coarse.factors[0]]) for n in range(len(voxels))]
    return np.stack(planes)


def _smoothed(coarse: Coarse) -> np.ndarray:
    sigma = [SMOOTHING_MM / step for step in coarse.spacing]
    return ndimage.gaussian_filter(coarse.hu.astype(np.float32), sigma, mode="nearest")


def _liver(coarse: Coarse, smooth: np.ndarray, body: np.ndarray) -> np.ndarray:
    """The largest deep piece of soft tissue on the right that has lung above it."""
    tissue = body & (smooth >= TISSUE_HU[0]) & (smooth <= TISSUE_HU[1])
    middle = float(np.nonzero(body)[2].mean())
    edge = max(0, int(middle - BESIDE_MIDLINE_MM / coarse.spacing[2]))
    right = np.s_[:, :, : edge + 1]
    tissue[:, :, edge:] = False
    labels = np.zeros(tissue.shape, np.int32)
    labels[right], _ = parts_of(depth_mm(tissue[right], coarse.spacing) > DEPTH_MM)
    volumes = sizes(labels) * coarse.voxel_ml
    lung = body & (coarse.hu < AIR_HU)
    for n in np.argsort(volumes)[::-1]:
        if volumes[n] >= SMALLEST_ML and _has_lung_above(coarse, labels == n, lung):
            return labels == n
    raise NoResult(
        "liver",
        f"no {SMALLEST_ML:.0f} ml of soft tissue deep under the right lung",
        "the right lobe of a liver, with the base of the right lung above it",
    )


def _has_lung_above(coarse: Coarse, part: np.ndarray, lung: np.ndarray) -> bool:
    """Whether over most of the part's columns lung begins within some centimetres above it."""
    reach = coarse.voxels_in(LUNG_ABOVE_MM)[0]
    height = np.arange(len(part))[:, None, None]
    top = np.where(part, height, -1).max(axis=0)
    above = (lung & (height > top) & (height <= top + reach)).any(axis=0)
    return float(above[top >= 0].mean()) >= LUNG_ABOVE_SHARE
