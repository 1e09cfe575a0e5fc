"""Segmentations: each segment in the colour that its maker recommends (PS3.3 C.8.20)."""

from collections.abc import Mapping

import numpy as np
from pydicom import Dataset

from gateway.rendering.attributes import functional_group, items, number, numbers, text
from gateway.rendering.cielab import rgb_of_cielab
from gateway.rendering.tones import eight_bits, mapped

WHITE = (255, 255, 255)
Colour = tuple[int, int, int]

# Well apart from one another, for label maps that recommend none.
_DISTINCT: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)


def is_segmentation(dataset: Dataset) -> bool:
    return text(dataset, "SegmentationType") in ("BINARY", "FRACTIONAL", "LABELMAP")


def segment_colours(frame: np.ndarray, dataset: Dataset, frame_number: int) -> np.ndarray:
    """uint8, (rows, columns, 3), on black; without a colour white, (rows, columns).

    A binary segment has its colour, a fractional one the more of it the higher its value is; in a
    label map each label has its own.
    """
    colours = _recommended(dataset)
    if text(dataset, "SegmentationType") == "LABELMAP":
        return mapped(frame, lambda values: _of_labels(values, colours, dataset))
    colour = colours.get(_segment_of(dataset, frame_number), WHITE)
    is_binary = text(dataset, "SegmentationType") == "BINARY"
    largest = 1.0 if is_binary else (number(dataset, "MaximumFractionalValue") or 255)

    def shaded(values: np.ndarray) -> np.ndarray:
        shares = np.clip(values / largest, 0, 1)
        if colour == WHITE:
            return eight_bits(shares)
        return np.rint(shares[:, None] * np.array(colour)).astype(np.uint8)

    return mapped(frame, shaded)


def _of_labels(values: np.ndarray, colours: Mapping[int, Colour], dataset: Dataset) -> np.ndarray:
    background = number(dataset, "PixelPaddingValue") or 0
    table = np.array(_DISTINCT, np.uint8)[values.astype(np.int64) % len(_DISTINCT) - 1]
    for label, colour in colours.items():
        table[values == label] = colour
    table[values == background] = 0
    return table


def _segment_of(dataset: Dataset, frame_number: int) -> int:
    group = functional_group(dataset, frame_number, "SegmentIdentificationSequence")
    referenced = number(group, "ReferencedSegmentNumber")
    if referenced is not None:
        return int(referenced)
    described = items(dataset, "SegmentSequence")
    return int(number(described[0], "SegmentNumber") or 0) if len(described) == 1 else 0


def _recommended(dataset: Dataset) -> dict[int, Colour]:
    found: dict[int, Colour] = {}
    for segment in items(dataset, "SegmentSequence"):
        colour = numbers(segment, "RecommendedDisplayCIELabValue")
        label = number(segment, "SegmentNumber")
        if label is not None and len(colour) == 3:
            found[int(label)] = rgb_of_cielab(colour)
    return found
