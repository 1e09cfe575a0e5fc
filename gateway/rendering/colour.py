"""Colour images as red, green and blue of 8 bits (PS3.3 C.7.6.3.1.2)."""

import numpy as np
from pydicom import Dataset

from gateway.rendering.attributes import number, text

# What decoding leaves as RGB. The kinds of partial range belong to video, or are retired.
_DECODED_TO_RGB = frozenset(("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"))


def eight_bit_colour(frame: np.ndarray, dataset: Dataset) -> np.ndarray:
    """uint8, (rows, columns, 3), of a frame decoded to RGB.

    Raises ValueError for a Photometric Interpretation that is retired and has no decoder.
    """
    kind = text(dataset, "PhotometricInterpretation")
    if kind not in _DECODED_TO_RGB or frame.shape[-1] != 3:
        raise ValueError(f"{frame.shape[-1]} samples of {kind[:16]!r} are no colours known here")
    if frame.dtype == np.uint8:
        return frame
    bits = int(number(dataset, "BitsStored") or 8 * frame.dtype.itemsize)
    return np.clip(frame >> max(0, bits - 8), 0, 255).astype(np.uint8)
