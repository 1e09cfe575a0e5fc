"""What a series must be before its lungs are measured: each check refuses with its reason."""

import numpy as np

from ai_models.contract import NoResult
from ai_models.lung_ct.coarse import Coarse
from standards.volume import Volume

WIDEST_SPACING_MM = 8.0
AXIAL_COSINE = 0.97  # about 14 degrees: more is a reformat or a tilted gantry

AIR_HU, TISSUE_HU = (-1100, -800), (-250, 250)
SMALLEST_SHARE = 0.03  # of the image that must be air, and tissue
LUMEN_HU = (-1060.0, -920.0)
BODY_HU = (-120.0, 150.0)

# Shares of the widest section that may lie in an end slice: what is lost with the sliver of a
# recess is below 1 % of the volume. Before the airway is known, it counts too.
CUT_SHARE, CUT_SHARE_WITH_AIRWAY = 0.05, 0.10
LUNG_LIKE_HU = (-950, -600)
CUT_SIDE_MM, CUT_SIDE_SLICES = 25.0, 2

VOLUME_ML = (800.0, 12000.0)
MEDIAN_HU = (-970.0, -500.0)


def check_series(volume: Volume) -> None:
    """CT in HU, axial, with slices that lie close enough."""
    header = volume.instances[0]
    modality, unit = header.get("Modality"), header.get("RescaleType") or "HU"
    if modality != "CT":
        raise NoResult("modality", str(modality), "CT")
    if unit not in ("HU", "US"):  # US = unspecified, as many write it
        raise NoResult("Rescale Type", str(unit), "HU")
    directions = volume.affine[:3, :3] / np.array(volume.spacing)
    if abs(directions[2, 0]) < AXIAL_COSINE or abs(directions[0, 2]) < AXIAL_COSINE:
        raise NoResult("orientation", "slices that are not axial", "an axial series")
    if volume.spacing[0] > WIDEST_SPACING_MM:
        found = f"{volume.spacing[0]:.2f} mm between slices"
        raise NoResult("slice spacing", found, f"{WIDEST_SPACING_MM} mm at most")


def check_values(coarse: Coarse) -> None:
    """Air and soft tissue are both there, at their places on the Hounsfield scale."""
    for name, (low, high) in (("air", AIR_HU), ("soft tissue", TISSUE_HU)):
        share = float(((coarse.hu >= low) & (coarse.hu <= high)).mean())
        if share < SMALLEST_SHARE:
            found = f"{share:.1%} of the image between {low} and {high} HU"
            raise NoResult("Hounsfield scale", found, f"{SMALLEST_SHARE:.0%} or more, being {name}")


def check_calibration(coarse: Coarse, airway: np.ndarray, body: np.ndarray) -> None:
    """Air in the trachea is near -1000 HU, and the body around the lungs near water."""
    _check_between(
        "air in the trachea", float(np.percentile(coarse.hu[airway], 10)), LUMEN_HU, "HU"
    )
    tissue = coarse.hu[body & (coarse.hu > TISSUE_HU[0])]
    _check_between("soft tissue", float(np.median(tissue)), BODY_HU, "HU")


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
    _check_between("lung volume", volume_ml, VOLUME_ML, "ml")
    _check_between("lung density", median_hu, MEDIAN_HU, "HU")


def _check_between(name: str, value: float, bounds: tuple[float, float], unit: str) -> None:
    low, high = bounds
    if not low <= value <= high:
        raise NoResult(name, f"{value:.0f} {unit}", f"{low:.0f} to {high:.0f} {unit}")
