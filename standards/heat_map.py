"""A number for every voxel: how much of something is there, or how sure a model is of it."""

from dataclasses import dataclass

import numpy as np
from pydicom.sr.coding import Code

from standards.errors import StandardsError


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single truth value
class HeatMap:
    """One quantity over the whole input volume (PS3.3 A.75, Parametric Map).

    name: for people, LUT Label (0040,9210). voxels: float32, (slices, rows, columns), finite,
        slice i belongs to source instance i of the input's volume.
    quantity: what the numbers are (CID 7180, for instance (130404, DCM, "Saliency") or (110854,
        DCM, "Fractional Probabilistic Segmentation")); unit: UCUM.
    value_range: the lowest and the highest number that can occur, which viewers colour by.
    """

    name: str
    voxels: np.ndarray
    quantity: Code
    unit: Code
    value_range: tuple[float, float]

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= 16:
            found = f"a heat map's name has {len(self.name)} characters"
            raise StandardsError(f"{found}; expected 1 to 16, as LUT Label (0040,9210) can hold")
        if self.voxels.dtype != np.float32 or self.voxels.ndim != 3:
            raise StandardsError(
                f"heat map {self.name!r} is {self.voxels.dtype} with {self.voxels.ndim} "
                "dimensions; expected float32 with (slices, rows, columns)"
            )
        lowest, highest = self.value_range
        if not lowest < highest:
            raise self._unfit(f"a range from {lowest} to {highest}", "a lower and a higher number")
        found = float(self.voxels.min(initial=lowest)), float(self.voxels.max(initial=highest))
        if not (found[0] >= lowest and found[1] <= highest):  # NaN is neither
            raise self._unfit(
                f"values from {found[0]} to {found[1]}",
                f"finite ones from {lowest} to {highest}, its value_range",
            )

    def _unfit(self, found: str, expected: str) -> StandardsError:
        return StandardsError(f"heat map {self.name!r} has {found}; expected {expected}")
