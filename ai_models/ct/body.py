"""The patient in a CT, apart from the air around, the table and the clothing."""

import numpy as np
from scipy import ndimage

from ai_models.ct.coarse import Coarse
from ai_models.ct.shapes import IN_PLANE, parts_of, reaching_edge, sizes

TISSUE_HU = -300
SHEET_MM = 3.5


def body_of(coarse: Coarse) -> np.ndarray:
    """The patient with all cavities, bool: table, clothing and the air under the back are not in.

    Sheets thinner than some millimetres are taken off first, since they bridge gaps. A slice
    whose chest wall is as thin loses its cavity, so ask this mask only about larger parts.
    """
    steps = max(1, coarse.voxels_in(SHEET_MM)[1])
    thick = ndimage.binary_opening(coarse.hu > TISSUE_HU, IN_PLANE, iterations=steps)
    labels, _ = parts_of(thick)
    body = labels == sizes(labels).argmax()
    return ~reaching_edge(~body)
