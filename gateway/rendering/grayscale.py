"""From stored values to shares of brightness: PS3.4 N.2.1 over PS3.3 C.11.1, C.11.2 and C.11.6."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydicom import Dataset

from gateway.rendering.attributes import functional_group, items, number, text
from gateway.rendering.lookup import LookupTable, lookup_table
from gateway.rendering.parameters import Window
from gateway.rendering.tones import Curve, held_values

Voi = Window | LookupTable

# X-Ray Angiographic and Radiofluoroscopic images whose modality LUT leads away from what is shown
# to X-ray intensities: PS3.3 C.8.7.1.1.2, and DCMTK's reading of it.
_PROJECTIONS = ("1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2")
_SHOWN_AS_STORED = ("LOG", "DISP")


@dataclass(frozen=True)
class Modality:
    """Stored values to those of the modality, such as Hounsfield units."""

    curve: Curve
    is_identity: bool = False

    def range(self, dataset: Dataset) -> tuple[float, float]:
        """What the curve can give: all that its table can say, or that the stored bits can."""
        if isinstance(self.curve, LookupTable):
            return 0.0, 2.0**self.curve.bits - 1
        bits = int(number(dataset, "BitsStored") or 8)
        lowest = -(2.0 ** (bits - 1)) if number(dataset, "PixelRepresentation") else 0.0
        ends = self.curve(np.array([lowest, lowest + 2.0**bits - 1]))
        return float(ends.min()), float(ends.max())


def stored_values(frame: np.ndarray, dataset: Dataset) -> np.ndarray:
    """The pixel's own bits of each sample (PS3.5 8.1.1), since others may hold anything.

    Native byte order; signed as Pixel Representation says.
    """
    if frame.dtype.kind not in "iu":
        return np.ascontiguousarray(frame, frame.dtype.newbyteorder("="))
    allocated = 8 * frame.dtype.itemsize
    stored = int(number(dataset, "BitsStored") or allocated)
    high = int(number(dataset, "HighBit") or stored - 1)
    is_signed = bool(number(dataset, "PixelRepresentation"))
    kind = f"{'i' if is_signed else 'u'}{frame.dtype.itemsize}"
    samples = np.ascontiguousarray(frame, frame.dtype.newbyteorder("=")).view(kind)
    if not 1 <= stored <= high + 1 <= allocated or (stored == allocated):
        return samples
    to_top = samples << (allocated - 1 - high)  # the sign bit comes to lie uppermost
    return to_top >> (allocated - stored)


def modality_of(dataset: Dataset, frame: int, notes: list[str]) -> Modality:
    """The modality LUT or rescaling of one frame. Raises ValueError for a table that is broken."""
    if _is_shown_as_stored(dataset):
        return Modality(lambda values: values, is_identity=True)
    for item in items(dataset, "ModalityLUTSequence")[:1]:
        is_signed = bool(number(dataset, "PixelRepresentation"))
        return Modality(lookup_table(item, is_signed=is_signed))
    return rescale_of(functional_group(dataset, frame, "PixelValueTransformationSequence"), notes)


def rescale_of(source: Dataset, notes: list[str]) -> Modality:
    slope, intercept = number(source, "RescaleSlope"), number(source, "RescaleIntercept") or 0.0
    if slope == 0:
        notes.append("Rescale Slope is 0, so stored values are shown instead")
        return Modality(lambda values: values, is_identity=True)
    factor = 1.0 if slope is None else slope
    is_identity = factor == 1 and intercept == 0
    return Modality(lambda values: values * factor + intercept, is_identity)


def voi_of(source: Dataset, notes: list[str], *, is_signed: bool) -> Voi | None:
    """The first VOI LUT or window that is there. Raises ValueError for a table that is broken."""
    for item in items(source, "VOILUTSequence")[:1]:
        return lookup_table(item, is_signed=is_signed)
    center, width = number(source, "WindowCenter"), number(source, "WindowWidth")
    function = text(source, "VOILUTFunction").upper() or "LINEAR"
    if center is None or width is None:
        return None
    if width <= 0 or function not in _FUNCTIONS:
        notes.append("the stored window makes no sense, so the whole range is shown")
        return None
    return Window(center, max(width, 1) if function == "LINEAR" else width, function)


def exact_window(voi: Voi) -> Voi:
    """For floating point values: LINEAR counts whole numbers, and between 0 and 1 there is none."""
    is_linear = isinstance(voi, Window) and voi.function == "LINEAR"
    return replace(voi, function="LINEAR_EXACT") if is_linear else voi


def voi_curve(voi: Voi) -> Curve:
    """Modality values as shares of brightness, 0 to 1."""
    if isinstance(voi, LookupTable):
        return voi.shares
    return lambda values: np.clip(_FUNCTIONS[voi.function](values, voi), 0, 1)


def whole_range(
    frames: Sequence[np.ndarray], dataset: Dataset, modality: Modality
) -> tuple[float, float]:
    """What is black and what is white where nothing says it.

    Images of 8 bits use them all, as they are drawn to be seen. Others are spread between the
    lowest and the highest modality value that occur in the frames, padding apart.
    """
    bits = int(number(dataset, "BitsStored") or 0)
    if modality.is_identity and 2 <= bits <= 8 and not number(dataset, "PixelRepresentation"):
        return 0.0, 2.0**bits - 1
    bounds = []
    for frame in frames:
        values = modality.curve(held_values(frame, padding_of(dataset)))
        values = values[np.isfinite(values)]
        if values.size:
            bounds += [float(values.min()), float(values.max())]
    return (min(bounds), max(bounds)) if bounds else (0.0, 1.0)


def range_curve(lowest: float, highest: float) -> Curve:
    width = (highest - lowest) or 1
    return lambda values: np.clip((values - lowest) / width, 0, 1)


def padding_of(dataset: Dataset) -> tuple[float, float] | None:
    """The stored values that stand for no pixel, from the lowest to the highest (C.7.5.1.1.2)."""
    for keyword in ("FloatPixelPadding", "DoubleFloatPixelPadding", "PixelPadding"):
        value = number(dataset, f"{keyword}Value")
        if value is not None:
            limit = number(dataset, f"{keyword}RangeLimit")
            ends = sorted(
                _as_stored(end, dataset) for end in (value, value if limit is None else limit)
            )
            return ends[0], ends[1]
    return None


def is_inverse(source: Dataset) -> bool:
    """Whether low values are bright: by Presentation LUT Shape, else as MONOCHROME1 says."""
    shape = text(source, "PresentationLUTShape")
    if shape in ("IDENTITY", "INVERSE"):
        return shape == "INVERSE"
    return text(source, "PhotometricInterpretation") == "MONOCHROME1"


def _as_stored(value: float, dataset: Dataset) -> float:
    """Writers confuse US and SS; only one of both can occur in the pixels."""
    if value.is_integer() and int(number(dataset, "BitsAllocated") or 0) == 16:
        is_signed = bool(number(dataset, "PixelRepresentation"))
        if is_signed and value > 0x7FFF:
            return value - 0x10000
        if not is_signed and value < 0:
            return value + 0x10000
    return value


def _is_shown_as_stored(dataset: Dataset) -> bool:
    relationship = text(dataset, "PixelIntensityRelationship")
    return text(dataset, "SOPClassUID") in _PROJECTIONS and relationship in _SHOWN_AS_STORED


def _linear(values: np.ndarray, window: Window) -> np.ndarray:
    if window.width <= 1:
        return (values > window.center - 0.5).astype(np.float64)
    return (values - (window.center - 0.5)) / (window.width - 1) + 0.5


def _linear_exact(values: np.ndarray, window: Window) -> np.ndarray:
    return (values - window.center) / window.width + 0.5


def _sigmoid(values: np.ndarray, window: Window) -> np.ndarray:
    return 1 / (1 + np.exp(np.clip(-4 * (values - window.center) / window.width, -80, 80)))


_FUNCTIONS: Mapping[str, Callable[[np.ndarray, Window], np.ndarray]] = {
    "LINEAR": _linear,
    "LINEAR_EXACT": _linear_exact,
    "SIGMOID": _sigmoid,
}
