"""Any image as one plane on which writing stands out alike, whatever its colour or brightness."""

import numpy as np
from scipy import ndimage

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
DARKEST_PERCENT, BRIGHTEST_PERCENT = 0.5, 99.5
WINDOW = 31  # pixels around each one to which it is compared
FAINTEST = 0.03  # of the image's range; less contrast than this is noise, not writing
LARGEST = 4.0


def gray(pixels: np.ndarray) -> np.ndarray:
    """Brightness from 0 to 1, float32, (rows, columns).

    pixels: (rows, columns) or (rows, columns, 3) in RGB, any number type. The darkest and the
    brightest pixels are cut off, so that neither air nor a single hot pixel sets the scale.
    """
    plane = pixels.astype(np.float32)
    if plane.ndim == 3:
        plane = plane @ np.array(LUMA, np.float32)
    low, high = np.percentile(plane, (DARKEST_PERCENT, BRIGHTEST_PERCENT))
    if high <= low:
        low, high = float(plane.min()), float(plane.max())
    return np.clip((plane - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def relief(plane: np.ndarray) -> np.ndarray:
    """Each pixel of a plane from 0 to 1 against its surroundings, in their standard deviations."""
    mean = ndimage.uniform_filter(plane, WINDOW, mode="nearest")
    square = ndimage.uniform_filter(plane * plane, WINDOW, mode="nearest")
    deviation = np.sqrt(np.maximum(square - mean * mean, 0)) + FAINTEST
    return np.clip((plane - mean) / deviation, -LARGEST, LARGEST).astype(np.float32)
