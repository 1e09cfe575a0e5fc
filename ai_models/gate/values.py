"""Checks of the voxels themselves."""

from dataclasses import dataclass

import numpy as np

from ai_models.gate.suspicion import Seen, Suspicion

_EVERY = 4  # rows and columns that are looked at for the spread of values: 5 million of 79


@dataclass(frozen=True, slots=True)
class Plausible:
    """Where the 1st and the 99th percentile of the voxels of one modality lie.

    padding: lower values are none, but what fills the corners; they are not counted.
    """

    first: tuple[float, float]
    last: tuple[float, float]
    padding: float = -np.inf


# CT: a body holds fat or air (below -50 HU) and something denser than lung (above -200 HU), and
# metal, above 3100 HU, is no hundredth of it. Values that were never rescaled begin at 0.
# PET: activity is not negative but for noise, and there is some.
PLAUSIBLE = {
    "CT": Plausible((-1100.0, -50.0), (-200.0, 3100.0), padding=-1100.0),
    "PT": Plausible((-np.inf, np.inf), (1e-30, np.inf)),
}


def implausible_values(seen: Seen, voxels: np.ndarray) -> Suspicion | None:
    """1st and 99th percentile lie where the card, or the modality, has them."""
    plausible = PLAUSIBLE.get(seen.modality)
    if seen.rules.value_range is not None:
        plausible = Plausible(seen.rules.value_range, seen.rules.value_range)
    if plausible is None:
        return None
    values = voxels[:, ::_EVERY, ::_EVERY]
    counted = values[values >= plausible.padding]
    if not counted.size:
        return Suspicion("nothing but padding", f"values from {plausible.padding:g}")
    ends = np.percentile(counted, (1, 99))
    for end, name, (low, high) in zip(
        ends, ("1st", "99th"), (plausible.first, plausible.last), strict=True
    ):
        if not low <= end <= high:
            return Suspicion(f"{name} percentile {end:.4g}", f"{low:g} to {high:g}")
    return None


def constant_image(_seen: Seen, voxels: np.ndarray) -> Suspicion | None:
    """A decoder that fails may give nothing but zeros."""
    low, high = voxels.min(), voxels.max()
    return Suspicion(f"one value, {low:g}, in all voxels", "an image") if low == high else None


def constant_slices(_seen: Seen, voxels: np.ndarray) -> Suspicion | None:
    """Slices of a single value: lost, zeroed, or masked away by whoever made the series."""
    empty = [n for n, plane in enumerate(voxels) if plane.min() == plane.max()]
    if not empty:
        return None
    found = f"{len(empty)} of {len(voxels)}, the first of them slice {empty[0] + 1}"
    return Suspicion(found, "different values in every slice")
