"""Images that need not make a volume: radiographs, ultrasound, captures; single ones and loops."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array

from standards.errors import UnfitSeries
from standards.modality_values import UNDECODABLE, to_modality_values, undecodable
from standards.numbers import has

_NEEDED = ("SOPInstanceUID", "Rows", "Columns", "PhotometricInterpretation")
_SAME_IN_ALL = ("SeriesInstanceUID", "PatientID")
GRAYSCALE = ("MONOCHROME1", "MONOCHROME2")


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """One image of a series, whose frames are decoded when they are asked for.

    instance: the whole object, pixel data included.
    """

    instance: Dataset

    @property
    def frames(self) -> int:
        return int(self.instance.get("NumberOfFrames") or 1)

    def pixels(self, frame: int = 1) -> np.ndarray:
        """A frame, counted from 1, so that larger numbers are brighter.

        Grey: float32 or int16, (rows, columns), in modality values; those of MONOCHROME1 are
        turned round between their lowest and their highest one. Colour: uint8, (rows, columns, 3),
        RGB, whatever the Photometric Interpretation is. Raises UnfitSeries where it cannot be
        decoded, IndexError for a frame that the image does not have. PS3.3 C.7.6.3.1.2.
        """
        decoded = self._decoded(frame)
        if self.instance.PhotometricInterpretation not in GRAYSCALE:
            return decoded
        values = to_modality_values(decoded, self.instance)
        is_inverse = self.instance.PhotometricInterpretation == "MONOCHROME1"
        return _turned(values) if is_inverse else values

    def stored(self, frame: int = 1) -> np.ndarray:
        """A frame, counted from 1, as it is stored: (rows, columns) or (rows, columns, samples).

        Colours stay YBR or numbers of a palette, bits above Bits Stored what they are. Raises as
        `pixels` does.
        """
        return self._array(frame, raw=True)

    def _decoded(self, frame: int) -> np.ndarray:
        pixels = self._array(frame)
        try:
            if self.instance.PhotometricInterpretation == "PALETTE COLOR":
                pixels = _eight_bits(apply_color_lut(pixels, self.instance))
        except UNDECODABLE as error:
            raise undecodable(error) from error
        if self.instance.PhotometricInterpretation in GRAYSCALE:
            return pixels
        return pixels[..., :3]

    def _array(self, frame: int, *, raw: bool = False) -> np.ndarray:
        if not 1 <= frame <= self.frames:
            raise IndexError(f"frame {frame} of an image that has {self.frames}, counted from 1")
        try:
            return pixel_array(self.instance, index=frame - 1, raw=raw, correct_unused_bits=not raw)
        except UNDECODABLE as error:
            raise undecodable(error) from error


def in_image_order(instances: Sequence[Dataset]) -> list[Dataset]:
    """Images or their headers by Instance Number, those without one first, then by UID.

    Raises UnfitSeries unless each can be named and drawn on, and all are of one series.
    """
    if not instances:
        raise UnfitSeries("image count", "no image", "one or more images")
    for keyword in _NEEDED:
        if not all(has(instance, keyword) for instance in instances):
            raise UnfitSeries(keyword, "an image without it", "a value in every image")
    for keyword in _SAME_IN_ALL:
        found = {str(instance.get(keyword, "")) for instance in instances}
        if len(found) > 1:
            raise UnfitSeries(keyword, f"{len(found)} different values", "one value in the series")
    return sorted(instances, key=_place)


def _place(instance: Dataset) -> tuple[int, str]:
    return int(instance.get("InstanceNumber") or 0), str(instance.SOPInstanceUID)


def _turned(values: np.ndarray) -> np.ndarray:
    ends = float(values.min()) + float(values.max())
    return (ends - values.astype(np.float64)).astype(values.dtype)  # int16 would overflow


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    """Palettes may give 16 bits, of which a display shows the upper eight."""
    return (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
