"""What a series must be before it is measured in HU: each check refuses with its reason."""

import numpy as np

from ai_models.contract import NoResult
from ai_models.ct.coarse import Coarse
from standards.volume import Volume

AXIAL_COSINE = 0.97  # about 14 degrees: more is a reformat or a tilted gantry
AIR_HU, TISSUE_HU = (-1100, -800), (-250, 250)
SMALLEST_SHARE = 0.03  # of the image that must be air, and tissue


def check_series(volume: Volume, widest_spacing_mm: float) -> None:
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
    if volume.spacing[0] > widest_spacing_mm:
        found = f"{volume.spacing[0]:.2f} mm between slices"
        raise NoResult("slice spacing", found, f"{widest_spacing_mm} mm at most")


def check_values(coarse: Coarse) -> None:
    """Air and soft tissue are both there, at their places on the Hounsfield scale."""
    for name, (low, high) in (("air", AIR_HU), ("soft tissue", TISSUE_HU)):
        share = float(((coarse.hu >= low) & (coarse.hu <= high)).mean())
        if share < SMALLEST_SHARE:
            found = f"{share:.1%} of the image between {low} and {high} HU"
            raise NoResult("Hounsfield scale", found, f"{SMALLEST_SHARE:.0%} or more, being {name}")


def check_between(name: str, value: float, bounds: tuple[float, float], unit: str) -> None:
    """A value lies within its bounds, both included."""
    low, high = bounds
    if not low <= value <= high:
        raise NoResult(name, f"{value:.0f} {unit}", f"{low:.0f} to {high:.0f} {unit}")
