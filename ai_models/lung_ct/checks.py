"""What a series must be before its lungs are measured: each check refuses with its reason."""

import numpy as np

from ai_models.contract import NoResult
from ai_models.ct.checks import check_between
from ai_models.ct.coarse import Coarse

WIDEST_SPACING_MM = 8.0
TISSUE_HU = -250
LUMEN_HU = (-1060.0, -920.0)
BODY_HU = (-120.0, 150.0)

# Shares of the widest section that may lie in an end slice: what is lost with the sliver of a
# recess is below 1 % of the volume. Before the airway is known, it counts too.
CUT_SHARE, CUT_SHARE_WITH_AIRWAY = 0.05, 0.10
LUNG_LIKE_HU = (-950, -600)
CUT_SIDE_MM, CUT_SIDE_SLICES = 25.0, 2

VOLUME_ML = (800.0, 12000.0)
MEDIAN_HU = (-970.0, -500.0)


def check_calibration(coarse: Coarse, airway: np.ndarray, body: np.ndarray) -> None:
    """Air in the trachea is near -1000 HU, and the body around the lungs near water."""
    check_between("air in the trachea", float(np.percentile(coarse.hu[airway], 10)), LUMEN_HU, "HU")
    tissue = coarse.hu[body & (coarse.hu > TISSUE_HU)]
    check_between("soft tissue", float(np.median(tissue)), BODY_HU, "HU")


def check_sides(coarse: Coarse, body: np.ndarray) -> None:
    """No lung reaches the edge of the image, where the field of view would cut it off.

    It does where, along an edge, values of lung lie between two stretches of the body.
    """
    for edge, step in (
        (np.s_[:, 0], coarse.spacing[2]),
        (np.s_[:, -1], coarse.spacing[2]),
        (np.s_[:, :, 0], coarse.spacing[1]),
        (np.s_[:, :, -1], coarse.spacing[1]),
    ):
        tissue, hu = body[edge], coarse.hu[edge]
        after = np.logical_or.accumulate(tissue, axis=1)
        before = np.logical_or.accumulate(tissue[:, ::-1], axis=1)[:, ::-1]
        lung = after & before & ~tissue & (hu > LUNG_LIKE_HU[0]) & (hu < LUNG_LIKE_HU[1])
        slices = int(np.count_nonzero(lung.sum(axis=1) * step > CUT_SIDE_MM))
        if slices >= CUT_SIDE_SLICES:
            found = f"lung at the edge of the image in {slices} slices"
            raise NoResult("lungs cut off", found, "a field of view around both lungs")


def check_ends(lungs: np.ndarray, tolerated: float) -> None:
    """The end slices hold no more lung than this share of the widest section."""
    areas = np.count_nonzero(lungs, axis=(1, 2)) / np.count_nonzero(lungs, axis=(1, 2)).max()
    for name, share in (("lowest", areas[0]), ("highest", areas[-1])):
        if share > tolerated:
            found = f"{share:.0%} of their widest section in the {name} slice"
            raise NoResult("lungs cut off", found, "both lungs whole, from apex to base")


def check_lungs(volume_ml: float, median_hu: float) -> None:
    """Volume and density are those of lungs, of an adult or an older child."""
    check_between("lung volume", volume_ml, VOLUME_ML, "ml")
    check_between("lung density", median_hu, MEDIAN_HU, "HU")
