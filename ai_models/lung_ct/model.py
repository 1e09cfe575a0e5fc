"""Lung CT: both lungs, their volume and their density, by classical image analysis."""

from collections.abc import Iterator, Sequence

import numpy as np
from pydicom.sr.coding import Code

from ai_models.contract import Inputs
from ai_models.ct.checks import check_series
from ai_models.lung_ct.checks import WIDEST_SPACING_MM, check_lungs
from ai_models.lung_ct.density import Density
from ai_models.lung_ct.segmentation import segmented
from standards import codes
from standards.findings import Finding, KeyImage, LabelMap, Measurement, Structure
from standards.volume import Volume

LUNGS = (
    Structure("Right lung", codes.ANATOMICAL_STRUCTURE, codes.RIGHT_LUNG, (224, 122, 95)),
    Structure("Left lung", codes.ANATOMICAL_STRUCTURE, codes.LEFT_LUNG, (76, 149, 218)),
)
WINDOW_CENTER, WINDOW_WIDTH = -600.0, 1500.0


class LungCT:
    """Deterministic, without weights. The card says what it may see, README.md how good it is."""

    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        """A label map of both lungs, their measurements and a key image; NoResult to refuse."""
        volume = inputs.volume
        check_series(volume, WIDEST_SPACING_MM)
        labels = _labels(volume)
        return [
            LabelMap(labels, LUNGS),
            *_measurements(volume, labels),
            KeyImage(_fullest_slice(labels), WINDOW_CENTER, WINDOW_WIDTH),
        ]


def _labels(volume: Volume) -> np.ndarray:
    """1 right lung, 2 left lung, in the slice order of the volume; sides by patient coordinates."""
    towards_head = 1 if volume.affine[2, 0] > 0 else -1
    left_is_higher = bool(volume.affine[0, 2] > 0)  # x of LPS grows to the left
    upright = segmented(volume.voxels[::towards_head], volume.spacing, left_is_higher)
    return np.ascontiguousarray(upright[::towards_head])


def _measurements(volume: Volume, labels: np.ndarray) -> Iterator[Measurement]:
    right, left = (volume.voxels[labels == label] for label in (1, 2))
    both = np.concatenate((right, left))
    whole = Density.of(both, volume.voxel_ml)
    check_lungs(whole.volume_ml, float(np.median(both)))
    for label, site, density in (
        (1, codes.RIGHT_LUNG, Density.of(right, volume.voxel_ml)),
        (2, codes.LEFT_LUNG, Density.of(left, volume.voxel_ml)),
        (None, codes.BOTH_LUNGS, whole),
    ):
        yield from _described(density, label, site)


def _described(density: Density, label: int | None, site: Code) -> Iterator[Measurement]:
    hounsfield, volume_ml = codes.HOUNSFIELD_UNIT, codes.MILLILITRE
    yield Measurement(codes.VOLUME, density.volume_ml, volume_ml, site, label, decimals=0)
    yield Measurement(
        codes.ATTENUATION_COEFFICIENT, density.mean_hu, hounsfield, site, label, codes.MEAN
    )
    yield Measurement(
        codes.LOW_ATTENUATION_AREA, density.laa950_percent, codes.PERCENT, site, label
    )
    yield Measurement(codes.PERCENTILE_15, density.perc15_hu, hounsfield, site, label, decimals=0)


def _fullest_slice(labels: np.ndarray) -> int:
    return int(np.count_nonzero(labels, axis=(1, 2)).argmax())
