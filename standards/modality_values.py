"""Stored pixel values -> modality values (PS3.3 C.11.1), of the frames of one image."""

import struct
from collections.abc import Iterator
from itertools import islice

import numpy as np
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import iter_pixels

from standards.errors import UnfitSeries
from standards.frame_headers import frame_headers, number_of_frames
from standards.numbers import has, numbers

# Whose stored values mean nothing without Rescale: Type 1 in PS3.3 C.8.2.1 and C.8.9.4. Elsewhere
# an image without it holds its modality values as they are (PS3.3 C.11.1).
_RESCALED = ("CT", "PT")
_RESCALE = ("RescaleSlope", "RescaleIntercept")

# What pydicom and its decoders raise for damaged, missing or unknown pixel data.
UNDECODABLE = (AttributeError, EOFError, KeyError, RuntimeError, ValueError, struct.error)


def check_transformation(header: Dataset) -> None:
    """Raises UnfitSeries unless the header says how stored values become modality values."""
    if header.get("ModalityLUTSequence"):
        return
    stated = any(has(header, keyword) for keyword in _RESCALE)
    if header.get("Modality") not in _RESCALED and not stated:
        return
    slope, _ = (float(numbers(header, keyword, 1)[0]) for keyword in _RESCALE)
    if slope == 0:
        raise UnfitSeries("RescaleSlope", "0", "a slope that keeps the image")


def modality_values(instance: Dataset, frame: int = 1) -> np.ndarray:
    """The pixels of one frame, counted from 1, in modality values, (rows, columns).

    dtype and errors as of `to_modality_values`; UnfitSeries too when it cannot be decoded.
    """
    header = frame_headers(instance)[frame - 1]
    stored = next(islice(stored_frames(instance), frame - 1, None))
    return to_modality_values(stored, header)


def to_modality_values(stored: np.ndarray, header: Dataset) -> np.ndarray:
    """The Modality LUT, or Rescale Slope and Intercept, applied to the stored values of a frame.

    header: of that very frame; every slice may have a slope of its own, as in PET.
    int16 where that holds every value exactly, else float32. Raises UnfitSeries where the header
    does not say how (PS3.3 C.11.1).
    """
    check_transformation(header)
    if header.get("ModalityLUTSequence"):
        return _narrow(apply_modality_lut(stored, header), 0)
    if not has(header, "RescaleSlope"):
        return _narrow(stored, 0)
    slope, intercept = (float(numbers(header, one, 1)[0]) for one in _RESCALE)
    if slope == 1 and intercept.is_integer():
        return _narrow(stored, int(intercept))
    values = stored.astype(np.float32)
    values *= np.float32(slope)
    values += np.float32(intercept)
    return values


def _narrow(stored: np.ndarray, shift: int) -> np.ndarray:
    """stored + shift, as int16 if that holds it exactly."""
    fits = np.iinfo(np.int16)
    whole = np.issubdtype(stored.dtype, np.integer)
    if whole and fits.min <= int(stored.min()) + shift and int(stored.max()) + shift <= fits.max:
        return np.add(stored, shift, dtype=np.int32).astype(np.int16)
    return stored.astype(np.float32) + np.float32(shift)


def stored_frames(instance: Dataset) -> Iterator[np.ndarray]:
    """Each frame of an image, (rows, columns), one in memory at a time; nothing is kept.

    Raises UnfitSeries when pixel data cannot be decoded, or holds other frames than it should.
    """
    expected = (instance.Rows, instance.Columns)
    frames, count = number_of_frames(instance), 0
    for stored in _decoded(instance):
        if stored.shape != expected:
            raise UnfitSeries("PixelData", f"shape {stored.shape}", "one plane of rows and columns")
        yield stored
        count += 1
        if count == frames:
            return
    raise UnfitSeries("PixelData", f"{count} frame(s)", f"{frames}, as Number of Frames says")


def _decoded(instance: Dataset) -> Iterator[np.ndarray]:
    try:
        yield from iter_pixels(instance)
    except UNDECODABLE as error:
        raise undecodable(error) from error


def undecodable(error: Exception) -> UnfitSeries:
    """What a decoder's error says of the series."""
    found = f"an image that cannot be decoded ({type(error).__name__})"
    expected = "pixel data as Rows, Columns, Bits Allocated and the transfer syntax say"
    return UnfitSeries("PixelData", found, expected)
