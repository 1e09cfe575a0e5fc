"""Frames as pictures for people: PS3.18 8.3.5 (rendered media) over PS3.3 C.11 and C.7.6.3."""

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi

from gateway.retrieve.errors import UnusablePixelData
from gateway.retrieve.pixels import StoredPixels
from gateway.web_errors import DicomWebError

IMAGE_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF"}  # best first
LARGEST_VIEWPORT = 8192
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?", re.ASCII)


class InvalidRendering(DicomWebError):
    """A rendering parameter that does not follow PS3.18 8.3.5.1."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        self.name, self.found, self.expected = name, found, expected
        super().__init__(f"parameter {name} is {found[:80]!r}; expected {expected}")


@dataclass(frozen=True)
class Window:
    """Window Center and Width in modality values, and VOI LUT Function (PS3.3 C.11.2.1.2)."""

    center: float
    width: float
    function: str = "LINEAR"


@dataclass(frozen=True)
class Viewport:
    """Size of the picture in pixels, and the region (x, y, width, height) of the image it shows."""

    width: int
    height: int
    region: tuple[int, int, int | None, int | None] = (0, 0, None, None)


@dataclass(frozen=True)
class Rendering:
    window: Window | None = None
    viewport: Viewport | None = None
    quality: int = 90  # of JPEG, 1 to 100


def parse_rendering(query: Mapping[str, str]) -> Rendering:
    """Read `window`, `viewport` and `quality`. Raises InvalidRendering."""
    return Rendering(
        window=_window(query["window"]) if query.get("window") else None,
        viewport=_viewport(query["viewport"]) if query.get("viewport") else None,
        quality=_quality(query.get("quality") or "90"),
    )


def render(pixels: StoredPixels, number: int, media_type: str, rendering: Rendering) -> bytes:
    """One frame as an encoded picture of 8 bits per channel, scaled without distortion.

    number:  of the frame, from 1.   media_type:  one of IMAGE_FORMATS.
    Raises NoSuchFrame, NotDecodable, UnusablePixelData.
    """
    frame = pixels.array(number)
    try:
        shown = _shown(frame, pixels.dataset, number, rendering.window)
    except (ValueError, TypeError, AttributeError, LookupError, struct.error) as error:
        found = f"the attributes that say how to show them are wrong ({error})"
        raise UnusablePixelData(found) from error
    picture = _fitted(Image.fromarray(shown), rendering.viewport)
    encoded = BytesIO()
    options: dict[str, Any] = {"quality": rendering.quality} if media_type == "image/jpeg" else {}
    picture.save(encoded, IMAGE_FORMATS[media_type], **options)
    return encoded.getvalue()


def _window(text: str) -> Window:
    expected = "center,width,function such as 40,400,linear (linear, linear-exact or sigmoid)"
    center, width, function = (*text.split(","), "", "", "")[:3]
    function = (function.strip() or "linear").upper().replace("-", "_")
    numbers = all(_NUMBER.fullmatch(number.strip()) for number in (center, width))
    if not numbers or text.count(",") > 2 or function not in _VOI_FUNCTIONS:
        raise InvalidRendering("window", text, expected)
    if float(width) < (1 if function == "LINEAR" else 1e-9):
        raise InvalidRendering("window", text, "a width of 1 or more (PS3.3 C.11.2.1.2)")
    return Window(float(center), float(width), function)


def _viewport(text: str) -> Viewport:
    expected = f"width,height in pixels up to {LARGEST_VIEWPORT}, then perhaps x,y,width,height"
    items = [item.strip() for item in text.split(",")]
    is_size = len(items) in (2, 6) and all(re.fullmatch(r"\d{1,5}", item) for item in items[:2])
    is_region = all(re.fullmatch(r"\d{0,6}", item) for item in items[2:])
    if not (is_size and is_region):
        raise InvalidRendering("viewport", text, expected)
    width, height, *region = (int(item) if item else None for item in items)
    if not (width and height and max(width, height) <= LARGEST_VIEWPORT):
        raise InvalidRendering("viewport", text, expected)
    left, top, region_width, region_height = region or (0, 0, None, None)
    return Viewport(width, height, (left or 0, top or 0, region_width, region_height))


def _quality(text: str) -> int:
    if not re.fullmatch(r"\d{1,3}", text, re.ASCII) or not 1 <= int(text) <= 100:
        raise InvalidRendering("quality", text, "a whole number from 1 to 100")
    return int(text)


def _shown(frame: np.ndarray, dataset: Dataset, number: int, window: Window | None) -> np.ndarray:
    """8-bit grey or colour, (rows, columns) or (rows, columns, 3)."""
    if frame.ndim == 3:
        return _eight_bits(frame)
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return _eight_bits(apply_color_lut(frame, dataset))
    return _gray(frame, dataset, number, window)


def _eight_bits(colour: np.ndarray) -> np.ndarray:
    """Red, green and blue of 8 or 16 bits as 8 bits."""
    if colour.dtype == np.uint8:
        return colour
    return (colour.astype(np.uint32) >> (8 * (colour.dtype.itemsize - 1))).astype(np.uint8)


def _gray(frame: np.ndarray, dataset: Dataset, number: int, window: Window | None) -> np.ndarray:
    """Modality LUT, window or VOI LUT, polarity: PS3.4 N.2."""
    if dataset.get("Modality") == "SEG" and window is None:
        shown = frame / max(1, _largest_segment_value(frame, dataset))
    else:
        shown = _through_voi(_modality_values(frame, dataset, number), dataset, number, window)
    shown = np.clip(np.nan_to_num(shown), 0, 1)
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        shown = 1 - shown
    return np.round(shown * 255).astype(np.uint8)


def _largest_segment_value(frame: np.ndarray, dataset: Dataset) -> int:
    kind = dataset.get("SegmentationType")
    if kind == "BINARY":
        return 1
    if kind == "FRACTIONAL":
        return int(dataset.get("MaximumFractionalValue") or 255)
    return int(frame.max(initial=1))  # a label map: as many greys as labels


def _modality_values(frame: np.ndarray, dataset: Dataset, number: int) -> np.ndarray:
    if dataset.get("ModalityLUTSequence"):
        return apply_modality_lut(frame, dataset).astype(np.float32)
    source = _functional_group(dataset, number, "PixelValueTransformationSequence")
    slope, intercept = source.get("RescaleSlope"), source.get("RescaleIntercept")
    values = frame.astype(np.float32)
    return values * float(1 if slope is None else slope) + float(intercept or 0)


def _through_voi(
    values: np.ndarray, dataset: Dataset, number: int, window: Window | None
) -> np.ndarray:
    """Modality values as 0 (dark) to 1, by the window asked for, the header's, or the extremes."""
    source = _functional_group(dataset, number, "FrameVOILUTSequence")
    window = window or (None if dataset.get("VOILUTSequence") else _header_window(source))
    if window is not None:
        return _VOI_FUNCTIONS[window.function](values, window)
    if dataset.get("VOILUTSequence"):
        output = apply_voi(np.round(values).astype(np.int32), dataset).astype(np.float32)
        bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        return output / (2**bits - 1)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return (values - low) / ((high - low) or 1)


def _header_window(source: Dataset) -> Window | None:
    centers, widths = source.get("WindowCenter"), source.get("WindowWidth")
    center, width = _first(centers), _first(widths)
    function = str(source.get("VOILUTFunction") or "LINEAR").upper()
    if center is None or width is None or width <= 0 or function not in _VOI_FUNCTIONS:
        return None
    return Window(center, max(width, 1) if function == "LINEAR" else width, function)


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    values = value if isinstance(value, list | tuple) or hasattr(value, "append") else [value]
    return float(values[0]) if len(values) else None


def _functional_group(dataset: Dataset, number: int, sequence: str) -> Dataset:
    """Where the attributes of a functional group lie for one frame, the data set itself if none."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for group in (*per_frame[number - 1 : number], *shared[:1]):
        if group.get(sequence):
            return group[sequence].value[0]
    return dataset


def _linear(values: np.ndarray, window: Window) -> np.ndarray:
    return (values - (window.center - 0.5)) / max(window.width - 1, 1e-6) + 0.5


def _linear_exact(values: np.ndarray, window: Window) -> np.ndarray:
    return (values - window.center) / window.width + 0.5


def _sigmoid(values: np.ndarray, window: Window) -> np.ndarray:
    exponent = np.clip(-4 * (values - window.center) / window.width, -80, 80)
    return 1 / (1 + np.exp(exponent))


_VOI_FUNCTIONS: Mapping[str, Callable[[np.ndarray, Window], np.ndarray]] = {
    "LINEAR": _linear,
    "LINEAR_EXACT": _linear_exact,
    "SIGMOID": _sigmoid,
}


def _fitted(picture: Image.Image, viewport: Viewport | None) -> Image.Image:
    """The region of the image, as large as the viewport holds it with its proportions."""
    if viewport is None:
        return picture
    left, top, width, height = viewport.region
    right = min(picture.width, left + (width or picture.width))
    bottom = min(picture.height, top + (height or picture.height))
    if left >= right or top >= bottom:
        found = f"a region outside the image of {picture.width} x {picture.height}"
        raise InvalidRendering("viewport", found, "a region that touches the image")
    picture = picture.crop((left, top, right, bottom))
    scale = min(viewport.width / picture.width, viewport.height / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BILINEAR)
