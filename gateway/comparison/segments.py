"""How far the segments of two Segmentations of the same images overlap."""

import io
from collections.abc import Iterator

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.pixels.utils import iter_pixels

from gateway.comparison.agreement import Overlap

# What pydicom and the reading of functional groups raise for objects that are no such SEG.
UNREADABLE = (AttributeError, IndexError, InvalidDicomError, KeyError, ValueError)

Place = tuple[str, str, int]  # Segment Label, SOP Instance UID of the image, and its frame


def overlaps(first: bytes, second: bytes) -> dict[str, Overlap]:
    """By Segment Label (0062,0005), of the segments that both describe.

    first, second: BINARY Segmentations, as DICOM files (PS3.3 A.51). Frames are held packed, eight
    voxels in a byte. Raises UNREADABLE.
    """
    one, other = dcmread(io.BytesIO(first)), dcmread(io.BytesIO(second))
    labels = set(_labels(one).values()) & set(_labels(other).values())
    found = dict.fromkeys(sorted(labels), Overlap())
    marked = {place: np.packbits(mask) for place, mask in _masks(one)}
    for place, mask in _masks(other):
        packed = marked.pop(place, None)
        under = np.zeros_like(mask) if packed is None else _unpacked(packed, mask.shape)
        _add(found, place, Overlap.of(under, mask))
    for place, packed in marked.items():  # frames of the first alone
        _add(found, place, Overlap(first=int(np.unpackbits(packed).sum())))
    return found


def _labels(dataset: Dataset) -> dict[int, str]:
    return {int(one.SegmentNumber): str(one.SegmentLabel) for one in dataset.SegmentSequence}


def _masks(dataset: Dataset) -> Iterator[tuple[Place, np.ndarray]]:
    """The frames, bool, (rows, columns)."""
    labels = _labels(dataset)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    groups = dataset.PerFrameFunctionalGroupsSequence
    for group, frame in zip(groups, iter_pixels(dataset), strict=True):
        segment = _item("SegmentIdentificationSequence", group, shared)
        image = _item("DerivationImageSequence", group, shared).SourceImageSequence[0]
        source = int(image.get("ReferencedFrameNumber") or 1)
        label = labels[int(segment.ReferencedSegmentNumber)]
        yield (label, str(image.ReferencedSOPInstanceUID), source), frame.astype(bool)


def _item(keyword: str, group: Dataset, shared: Dataset) -> Dataset:
    """Of a functional group; what is the same for all frames is told once (PS3.3 C.7.6.16)."""
    return (group if keyword in group else shared)[keyword][0]


def _unpacked(packed: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.unpackbits(packed, count=int(np.prod(shape))).reshape(shape).astype(bool)


def _add(found: dict[str, Overlap], place: Place, overlap: Overlap) -> None:
    if place[0] in found:
        found[place[0]] += overlap
