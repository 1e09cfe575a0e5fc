"""Trachea and main bronchi: the air that is in the chest but is not lung."""

import numpy as np
from scipy import ndimage

from ai_models.contract import NoResult
from ai_models.ct.coarse import Coarse
from ai_models.ct.shapes import IN_PLANE, opened, parts_of

LUMEN_HU = -850
SECTION_MM2 = (40.0, 900.0)  # lumen of a trachea in one slice
OFF_MIDLINE_MM = 60.0
SHORTEST_MM = 40.0
LARGEST_ML = 150.0  # trachea and bronchi together; more means that growth has leaked into lung
MAIN_RADIUS_MM = 2.8  # thinner branches belong to the lung


def airway_of(coarse: Coarse, cavities: np.ndarray, midline: float) -> np.ndarray:
    """The lumen of trachea and main bronchi, bool, on the coarse grid.

    cavities: bool, air inside the body; midline: column of the middle of the body.
    Raises NoResult where no trachea is seen.
    """
    trachea = _trachea(coarse, cavities, midline)
    box = _chest_midst(coarse, trachea)
    grown = np.zeros_like(cavities)
    grown[box] = _grown(coarse, cavities[box], trachea[box], coarse.hu[box])
    return grown


def _trachea(coarse: Coarse, cavities: np.ndarray, midline: float) -> np.ndarray:
    """The longest chain of small round sections of air near the midline."""
    sections, count = parts_of(cavities, IN_PLANE)
    fits = np.zeros(count + 1, bool)
    for n, box in enumerate(ndimage.find_objects(sections), start=1):
        fits[n] = _could_be_trachea(coarse, sections[box] == n, box, midline)
    chains, _ = parts_of(fits[sections])
    heights = [box[0].stop - box[0].start for box in ndimage.find_objects(chains)]
    longest = max(heights, default=0)
    length = longest * coarse.spacing[0]
    if length < SHORTEST_MM:
        raise NoResult(
            "trachea",
            f"no round tube of air near the midline longer than {length:.0f} mm",
            f"a trachea of {SHORTEST_MM:.0f} mm or more, as a whole chest CT shows it",
        )
    return chains == heights.index(longest) + 1


def _could_be_trachea(
    coarse: Coarse, section: np.ndarray, box: tuple[slice, ...], midline: float
) -> bool:
    """Whether one section of a cavity has the size, shape, place and density of a lumen."""
    high, wide = (n * step for n, step in zip(section.shape[1:], coarse.spacing[1:], strict=True))
    off = abs((box[2].start + box[2].stop - 1) / 2 - midline) * coarse.spacing[2]
    area = section.sum() * coarse.spacing[1] * coarse.spacing[2]
    return bool(
        SECTION_MM2[0] <= area <= SECTION_MM2[1]
        and max(high, wide) <= 3 * min(high, wide)
        and off <= OFF_MIDLINE_MM
        and np.median(coarse.hu[box][section]) <= LUMEN_HU
    )


def _chest_midst(coarse: Coarse, trachea: np.ndarray) -> tuple[slice, ...]:
    """Where main bronchi can be: around the trachea and some centimetres below it."""
    (box,) = ndimage.find_objects(trachea.astype(np.uint8))
    down, aside, across = coarse.voxels_in(60)
    return (
        slice(max(0, box[0].start - down), box[0].stop),
        slice(max(0, box[1].start - aside), box[1].stop + aside),
        slice(max(0, box[2].start - across), box[2].stop + across),
    )


def _grown(coarse: Coarse, cavities: np.ndarray, trachea: np.ndarray, hu: np.ndarray) -> np.ndarray:
    """Grow the trachea to ever denser air, until it would leak; keep what is wide."""
    best = trachea
    for threshold in range(-950, -790, 25):
        labels, _ = parts_of(cavities & (hu < threshold) | trachea)
        grown = labels == labels[tuple(np.argwhere(trachea)[0])]
        if grown.sum() * coarse.voxel_ml > LARGEST_ML:
            break
        best = grown
    return opened(best, MAIN_RADIUS_MM, coarse.spacing) | trachea
