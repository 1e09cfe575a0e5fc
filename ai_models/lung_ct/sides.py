"""Which lung is which, also where the two touch at a junction line."""

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from ai_models.contract import NoResult
from ai_models.ct.coarse import Coarse
from ai_models.ct.shapes import boundary_box, depth_mm, parts_of, sizes

RIGHT, LEFT = 1, 2
SMALLER_SHARE = 0.2  # of the larger lung; less is not taken for the other lung
APART_MM = 60.0  # between the middles of the two lungs, from side to side
DEEPEST_MM = 24.0
JUNCTION_MM = 40.0  # half the width of the zone in which touching lungs are told apart


def sides_of(coarse: Coarse, lungs: np.ndarray, left_is_higher: bool) -> np.ndarray:
    """uint8 on the coarse grid: 1 right lung, 2 left lung, of a mask of both.

    Lungs that touch are cut where the way between them is least like lung: along the highest
    values, as the junction lines are. Raises NoResult when there are not two lungs.
    """
    box = boundary_box(lungs, (0, 0, 0))
    mask = lungs[box]
    markers, depth = _markers(coarse, mask)
    first, second = (float(np.nonzero(markers == n)[2].mean()) for n in (1, 2))
    if (first > second) == left_is_higher:
        markers = np.where(markers > 0, 3 - markers, 0)
        first, second = second, first
    if depth > 0:
        markers = _divided(coarse, coarse.hu[box], mask, markers, (first + second) / 2)
    result = np.zeros(lungs.shape, np.uint8)
    result[box] = _with_the_rest(mask, markers, first, second)
    return result


def _markers(coarse: Coarse, mask: np.ndarray) -> tuple[np.ndarray, float]:
    """Two bodies, 1 and 2, that lie side by side when this depth is peeled off the mask."""
    depth = None
    for peel in np.arange(0.0, DEEPEST_MM, 3.0):
        if peel and depth is None:
            depth = depth_mm(mask, coarse.spacing)
        labels, _ = parts_of(mask if depth is None else depth > peel)
        volumes = sizes(labels)
        pair = np.argsort(volumes)[-2:][::-1]
        if len(volumes) > 2 and volumes[pair[1]] >= SMALLER_SHARE * volumes[pair[0]]:
            bodies = np.where(labels == pair[0], 1, np.where(labels == pair[1], 2, 0))
            middles = [np.nonzero(bodies == n)[2].mean() for n in (1, 2)]
            if abs(middles[0] - middles[1]) * coarse.spacing[2] >= APART_MM:
                return bodies.astype(np.int32), float(peel)
    raise NoResult(
        "both lungs",
        "one lung, or a second one that is much smaller",
        f"two lungs, the smaller at least {SMALLER_SHARE:.0%} of the larger",
    )


def _divided(
    coarse: Coarse, hu: np.ndarray, mask: np.ndarray, markers: np.ndarray, middle: float
) -> np.ndarray:
    """Give every voxel of touching lungs to one of the markers."""
    reach = coarse.voxels_in(JUNCTION_MM)[2]
    low, high = max(0, int(middle) - reach), int(middle) + reach
    lower, higher = (1, 2) if _mean_column(markers, 1) < _mean_column(markers, 2) else (2, 1)
    divided = np.where(mask, markers, 0)
    divided[:, :, :low][mask[:, :, :low]] = lower
    divided[:, :, high:][mask[:, :, high:]] = higher
    zone = (slice(None), slice(None), slice(max(0, low - 1), high + 1))
    smooth = ndimage.gaussian_filter(hu[zone].astype(np.float32), 0.7)
    divided[zone] = watershed(smooth, divided[zone], mask=mask[zone])
    return divided


def _mean_column(markers: np.ndarray, label: int) -> float:
    return float(np.nonzero(markers == label)[2].mean())


def _with_the_rest(mask: np.ndarray, markers: np.ndarray, right: float, left: float) -> np.ndarray:
    """Parts that no marker reached go to the side whose middle is nearer."""
    result = np.where(mask, markers, 0).astype(np.uint8)
    labels, _ = parts_of(mask & (result == 0))
    for n, (_, _, columns) in enumerate(ndimage.find_objects(labels), start=1):
        middle = (columns.start + columns.stop - 1) / 2
        side = RIGHT if abs(middle - right) <= abs(middle - left) else LEFT
        result[labels == n] = side
    return result
