"""Overlay planes: drawings of one bit that an image carries in groups 6000 to 601E (C.9.2)."""

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.tag import Tag

_GROUPS = range(0x6000, 0x6020, 2)
_ROWS, _COLUMNS, _FRAMES, _ORIGIN, _FRAME_ORIGIN = 0x0010, 0x0011, 0x0015, 0x0050, 0x0051
_BITS_ALLOCATED, _BIT_POSITION, _ACTIVATION_LAYER, _DATA = 0x0100, 0x0102, 0x1001, 0x3000


@dataclass(frozen=True, eq=False)
class Overlay:
    """group: such as 0x6000.   marks: bool, (rows, columns) of the image."""

    group: int
    marks: np.ndarray


def overlays_of(
    dataset: Dataset, frame: int, samples: np.ndarray | None, shape: tuple[int, int]
) -> list[Overlay]:
    """The planes that lie on one frame.

    samples: the frame with the unused bits in which older images keep their overlays, if any.
    shape: rows and columns of the image.
    Raises ValueError for a plane that ends too early or lies at no place.
    """
    found = []
    for group in _GROUPS:
        if Tag(group, _ROWS) not in dataset:
            continue
        plane = _plane(dataset, group, frame, samples)
        if plane is not None:
            found.append(Overlay(group, _placed(dataset, group, plane, shape)))
    return found


def activation_layers(dataset: Dataset) -> dict[int, str]:
    """Group of each overlay that a presentation state shows, and its layer (C.11.7)."""
    return {
        group: str(dataset[group, _ACTIVATION_LAYER].value or "").strip()
        for group in _GROUPS
        if Tag(group, _ACTIVATION_LAYER) in dataset
    }


def _plane(
    dataset: Dataset, group: int, frame: int, samples: np.ndarray | None
) -> np.ndarray | None:
    rows, columns = _value(dataset, group, _ROWS, 0), _value(dataset, group, _COLUMNS, 0)
    frames = max(1, _value(dataset, group, _FRAMES, 1))
    place = frame - _value(dataset, group, _FRAME_ORIGIN, 1)
    if frames == 1 and place > 0 and Tag(group, _FRAMES) not in dataset:
        place = 0  # one plane for every frame
    if not 0 <= place < frames or rows < 1 or columns < 1:
        return None
    if Tag(group, _DATA) in dataset:
        return _stored(dataset, group, place * rows * columns, (rows, columns))
    position = _value(dataset, group, _BIT_POSITION, 0)
    if position < 1:
        return None
    if samples is None or samples.dtype.kind not in "iu" or samples.ndim != 2:
        raise ValueError(f"overlay {group:04X} lies in bits of the pixels that are decoded away")
    return (samples >> position & 1).astype(bool)


def _stored(dataset: Dataset, group: int, first: int, shape: tuple[int, int]) -> np.ndarray:
    data = dataset[group, _DATA].value or b""
    last = first + shape[0] * shape[1]
    if not isinstance(data, bytes) or last > 8 * len(data):
        raise ValueError(f"overlay {group:04X} ends before its last pixel")
    held = np.frombuffer(data[first // 8 : (last + 7) // 8], np.uint8)
    bits = np.unpackbits(held, bitorder="little")[first % 8 : first % 8 + last - first]
    return bits.reshape(shape).astype(bool)


def _placed(dataset: Dataset, group: int, plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The plane where it lies on the image; what is beyond the image is cut off."""
    origin = dataset.get(Tag(group, _ORIGIN))
    top, left = (int(number) - 1 for number in (origin.value if origin else (1, 1)))
    marks = np.zeros(shape, bool)
    rows = slice(max(0, top), max(0, min(shape[0], top + plane.shape[0])))
    columns = slice(max(0, left), max(0, min(shape[1], left + plane.shape[1])))
    part = plane[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    marks[rows, columns][: part.shape[0], : part.shape[1]] = part
    return marks


def _value(dataset: Dataset, group: int, element: int, default: int) -> int:
    found = dataset.get(Tag(group, element))
    return default if found is None or found.value in (None, "") else int(found.value)
