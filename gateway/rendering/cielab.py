"""Colours that DICOM writes as CIELab values of 16 bits (PS3.3 C.10.7.1.1)."""

from collections.abc import Sequence

import numpy as np
from skimage.color import lab2rgb


def rgb_of_cielab(encoded: Sequence[float]) -> tuple[int, int, int]:
    """sRGB, 0 to 255, of L, a and b as (0062,000D) and its like hold them."""
    lightness, a, b = (np.clip(value, 0, 65535) for value in encoded)
    lab = np.array([lightness * 100 / 65535, a * 255 / 65535 - 128, b * 255 / 65535 - 128])
    red, green, blue = np.rint(np.clip(lab2rgb(lab), 0, 1) * 255).astype(int)
    return int(red), int(green), int(blue)
