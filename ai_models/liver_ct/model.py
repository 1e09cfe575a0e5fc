"""Liver CT: how dense the liver is, in a CT without contrast, by classical image analysis."""

from collections.abc import Sequence

import numpy as np
from pydicom.sr.coding import Code

from ai_models.contract import Inputs
from ai_models.ct.checks import check_series
from ai_models.ct.upright import flips
from ai_models.liver_ct.checks import (
    WIDEST_SPACING_MM,
    check_density,
    check_header,
    is_usual_kvp,
)
from ai_models.liver_ct.liver import measured_part
from standards import codes
from standards.findings import Caveat, Finding, KeyImage, LabelMap, Measurement, Structure

PART = Structure("Liver, part measured", codes.ANATOMICAL_STRUCTURE, codes.LIVER, (221, 130, 101))
WINDOW_CENTER, WINDOW_WIDTH = 60.0, 160.0
OTHER_KVP = Caveat(
    "The tube voltage is not stated, or far from 120 kV; limits of fatty liver hold for 120 kV."
)


class LiverCT:
    """Deterministic, without weights. The card says what it may see, README.md how good it is."""

    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        """What was measured as a label map, mean and spread of HU, a key image; or NoResult."""
        volume = inputs.volume
        check_series(volume, WIDEST_SPACING_MM)
        check_header(volume)
        turn = flips(volume.affine)
        part = measured_part(volume.voxels[turn], volume.spacing)[turn]
        values = volume.voxels[part].astype(np.float64)
        check_density(float(values.mean()))
        return [
            LabelMap(part.astype(np.uint8), (PART,)),
            _measured(float(values.mean()), codes.MEAN),
            _measured(float(values.std()), codes.STANDARD_DEVIATION),
            KeyImage(int(part.sum(axis=(1, 2)).argmax()), WINDOW_CENTER, WINDOW_WIDTH),
            *([] if is_usual_kvp(volume) else [OTHER_KVP]),
        ]


def _measured(hounsfield: float, derivation: Code) -> Measurement:
    return Measurement(
        codes.ATTENUATION_COEFFICIENT,
        hounsfield,
        codes.HOUNSFIELD_UNIT,
        codes.LIVER,
        label=1,
        derivation=derivation,
    )
