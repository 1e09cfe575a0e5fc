"""Volume and density of lungs, from Hounsfield units inside a label."""

from dataclasses import dataclass

import numpy as np

LOW_ATTENUATION_HU = -950


@dataclass(frozen=True, slots=True)
class Density:
    """volume_ml; mean_hu; laa950_percent: share of voxels below -950 HU; perc15_hu: the value
    that 15 % of the voxels do not exceed."""

    volume_ml: float
    mean_hu: float
    laa950_percent: float
    perc15_hu: float

    @classmethod
    def of(cls, values: np.ndarray, voxel_ml: float) -> "Density":
        """Measure the voxels of one lung, or of both: values in HU, one dimension, not empty."""
        return cls(
            volume_ml=values.size * voxel_ml,
            mean_hu=float(values.mean(dtype=np.float64)),
            laa950_percent=100.0
            * float(np.count_nonzero(values < LOW_ATTENUATION_HU))
            / values.size,
            perc15_hu=float(np.percentile(values, 15)),
        )
