"""What a series must be before its liver is measured."""

import numpy as np

from ai_models.contract import NoResult
from ai_models.ct.checks import check_between
from ai_models.ct.coarse import Coarse
from ai_models.ct.shapes import depth_mm
from standards.volume import Volume

WIDEST_SPACING_MM = 10.0
USUAL_KVP = (110.0, 130.0)  # what is published of fatty livers is measured at 120 kV
ENHANCED_HU = (110.0, 600.0)
ENHANCED_RADIUS_MM, ENHANCED_ML = 8.0, 5.0
PLAUSIBLE_HU = (-40.0, 90.0)
EVEN_SHARE = 0.7


def check_header(volume: Volume) -> None:
    """No contrast medium was given, as far as the header says."""
    agent = str(volume.instances[0].get("ContrastBolusAgent") or "").strip()
    if agent and agent.upper() not in ("NONE", "NO"):
        raise NoResult("contrast medium", f"{agent!r} in the header", "a series without contrast")


def check_no_contrast(coarse: Coarse, smooth: np.ndarray, body: np.ndarray) -> None:
    """No large vessel, and no chamber of the heart, is brighter than blood can be.

    Asked in the front half of the body, where no spine is. smooth: HU, as coarse.hu but smoothed.
    """
    front = np.s_[:, : int(np.nonzero(body)[1].mean())]
    bright = body[front] & (smooth[front] > ENHANCED_HU[0]) & (smooth[front] < ENHANCED_HU[1])
    wide = depth_mm(bright, coarse.spacing) > ENHANCED_RADIUS_MM
    volume_ml = float(np.count_nonzero(wide)) * coarse.voxel_ml
    if volume_ml > ENHANCED_ML:
        found = f"{volume_ml:.0f} ml inside the front of the body above {ENHANCED_HU[0]:.0f} HU"
        raise NoResult("contrast medium", found, "a series without contrast")


def check_evenness(share: float) -> None:
    """Most of what is taken for liver has one density. share: of it, near its median."""
    if share < EVEN_SHARE:
        found = f"{share:.0%} of the part measured near its median density"
        raise NoResult("evenness of the liver", found, f"{EVEN_SHARE:.0%} or more")


def check_density(mean_hu: float) -> None:
    """The mean is that of a liver without contrast, fatty or not."""
    check_between("liver density", mean_hu, PLAUSIBLE_HU, "HU")


def is_usual_kvp(volume: Volume) -> bool:
    """Whether the tube voltage is said, and is one at which livers are usually judged."""
    kvp = volume.instances[0].get("KVP")
    return kvp is not None and USUAL_KVP[0] <= float(kvp) <= USUAL_KVP[1]
