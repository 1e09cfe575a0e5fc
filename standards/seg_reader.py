"""Segmentations of somebody else -> one label map on the grid of the images they were drawn on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from highdicom.color import CIELabColor
from pydicom import Dataset
from pydicom.pixels.utils import iter_pixels

from standards.coded_items import first_code
from standards.errors import StandardsError
from standards.findings import LabelMap, Structure
from standards.numbers import has, numbers
from standards.slice_order import ORIENTATION_TOLERANCE, POSITION_TOLERANCE_MM

_MOST_LABELS = 255  # of a label map of bytes
_COLOUR = (200, 80, 80)  # where the segment says none
_SAME_GRID = (
    ("PlaneOrientationSequence", "ImageOrientationPatient", 6),
    ("PixelMeasuresSequence", "PixelSpacing", 2),
)


class UnfitSegmentation(StandardsError):
    """A Segmentation that is no label map of these images."""

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the Segmentation has {found}; expected {expected}")


@dataclass(frozen=True, slots=True, eq=False)
class ReadLabels:
    """numbers: SOP Instance UID and segment number -> label. tracked: Tracking UID -> label."""

    label_map: LabelMap
    numbers: Mapping[tuple[str, int], int]
    tracked: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """places: (slices, 3), Image Position (Patient) of each slice. first: header of one."""

    places: np.ndarray
    first: Dataset

    def slice_of(self, one: Dataset, group: Dataset) -> int:
        """The slice that a frame lies on, by its place: all say it, references are optional."""
        for sequence, keyword, count in _SAME_GRID:
            found = numbers(_item(one, group, sequence), keyword, count)
            if np.abs(found - numbers(self.first, keyword, count)).max() > ORIENTATION_TOLERANCE:
                raise UnfitSegmentation(f"another {keyword} than its images", "the grid of these")
        item = _item(one, group, "PlanePositionSequence")
        distances = np.linalg.norm(self.places - numbers(item, "ImagePositionPatient", 3), axis=1)
        nearest = int(distances.argmin())
        if distances[nearest] > POSITION_TOLERANCE_MM:
            found = f"a frame that lies {distances[nearest]:.1f} mm beside the next image"
            raise UnfitSegmentation(found, f"each on an image, within {POSITION_TOLERANCE_MM} mm")
        return nearest


def read_labels(segmentations: Sequence[Dataset], images: Sequence[Dataset]) -> ReadLabels:
    """All segments as labels of one map, in the order of the objects and of their segments.

    images: headers of the slices, in their order. Fractional segments are taken from one half on.
    Raises UnfitSegmentation for another grid and for segments that overlap; StandardsError for
    what no label map holds; and what reading foreign objects raises (AttributeError, ...).
    PS3.3 C.8.20.2, C.7.6.16.
    """
    if not all(has(image, "ImagePositionPatient") for image in images):
        raise UnfitSegmentation("images that make no volume", "slices with their place")
    places = np.array([numbers(image, "ImagePositionPatient", 3) for image in images])
    grid = _Grid(places, images[0])
    voxels = np.zeros((len(images), int(images[0].Rows), int(images[0].Columns)), np.uint8)
    structures: list[Structure] = []
    labels: dict[tuple[str, int], int] = {}
    tracked: dict[str, int] = {}
    for one in segmentations:
        for segment in one.SegmentSequence:
            structures.append(_structure(segment))
            labels[str(one.SOPInstanceUID), int(segment.SegmentNumber)] = len(structures)
            if uid := segment.get("TrackingUID"):
                tracked[str(uid)] = len(structures)
        if len(structures) > _MOST_LABELS:
            raise UnfitSegmentation(f"{len(structures)} segments", f"{_MOST_LABELS} at most")
        _draw(one, grid, labels, voxels)
    return ReadLabels(LabelMap(voxels, tuple(structures)), labels, tracked)


def _draw(
    one: Dataset, grid: _Grid, labels: Mapping[tuple[str, int], int], voxels: np.ndarray
) -> None:
    size = (int(one.Rows), int(one.Columns))
    if size != voxels.shape[1:]:
        raise UnfitSegmentation(f"frames of {size} rows and columns", f"{voxels.shape[1:]}")
    groups = one.PerFrameFunctionalGroupsSequence
    for group, frame in zip(groups, iter_pixels(one), strict=True):
        plane = voxels[grid.slice_of(one, group)]
        for number, mask in _marked(one, group, frame):
            label = labels.get((str(one.SOPInstanceUID), number))
            if label is None:
                raise UnfitSegmentation(f"a mark of segment {number}", "segments it describes")
            if plane[mask].any():
                raise UnfitSegmentation(
                    "segments that overlap", "each voxel in one segment, as a label map can hold"
                )
            plane[mask] = label


def _marked(one: Dataset, group: Dataset, frame: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Segment numbers and where a frame marks them."""
    if one.SegmentationType == "LABELMAP":
        for number in np.unique(frame[frame > 0]).tolist():
            yield number, frame == number
        return
    item = _item(one, group, "SegmentIdentificationSequence")
    fractional = one.SegmentationType == "FRACTIONAL"
    half = int(one.MaximumFractionalValue) / 2 if fractional else 0.5
    yield int(item.ReferencedSegmentNumber), frame >= half


def _item(one: Dataset, group: Dataset, keyword: str) -> Dataset:
    """Of the frame's functional groups, or of the shared ones."""
    shared = one.get("SharedFunctionalGroupsSequence") or [Dataset()]
    found = group.get(keyword) or shared[0].get(keyword)
    if not found:
        raise UnfitSegmentation(f"a frame without {keyword}", "one in its functional groups")
    return found[0]


def _structure(segment: Dataset) -> Structure:
    lab = segment.get("RecommendedDisplayCIELabValue")
    return Structure(
        str(segment.SegmentLabel),
        first_code(segment, "SegmentedPropertyCategoryCodeSequence"),
        first_code(segment, "SegmentedPropertyTypeCodeSequence"),
        CIELabColor.from_dicom_value(lab).to_rgb(clip=True) if lab else _COLOUR,
    )
