"""A label map as a DICOM Segmentation."""

from collections.abc import Sequence

import highdicom as hd
import numpy as np
from highdicom.color import CIELabColor
from highdicom.content import AlgorithmIdentificationSequence
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues
from pydicom import Dataset

from standards.analysis import Analysis, Carrier, Result
from standards.derived import copy_body_part, finish, maker_of, series_of
from standards.errors import MissingFinding, SourceMismatch
from standards.findings import Structure
from standards.identity import Algorithm
from standards.source_images import placed_images

SERIES_NUMBER = 9001


def segmentation(result: Result) -> Segmentation:
    """Write the label map as one BINARY Segmentation instance in the study of its source.

    Every structure of the label map is a segment, in the same order, also one without a mark.
    Slices without a mark are left out; if no slice has one, all are written, empty.
    Raises MissingFinding without a label map, SourceMismatch if voxels and source differ in
    slices, rows or columns. Follows PS3.3 A.51, C.8.20.2 and C.8.20.4.
    """
    analysis, labels = result.analysis, result.findings.label_map
    if labels is None or not labels.structures:
        raise MissingFinding("a Segmentation", "a label map with at least one structure")
    images = placed_images(analysis.instances)
    check_shape(labels.voxels, images)
    fill_slice_thickness(images)
    dataset = Segmentation(
        images,
        labels.voxels,
        SegmentationTypeValues.BINARY,  # OHIF refuses FRACTIONAL; every reader knows BINARY
        [_segment(analysis, n, s) for n, s in enumerate(labels.structures, start=1)],
        **series_of(analysis, "segmentation", SERIES_NUMBER),
        **maker_of(analysis),
        content_label="AI_SEGMENTATION",
    )
    name_dimensions(dataset, analysis, "segmentation")
    finish(dataset, analysis, "segmentation")
    copy_body_part(dataset, analysis)
    return dataset


def tracking_identifier(structure: Structure) -> str:
    """Tracking ID (0062,0020) of a structure, and Tracking Identifier (112039) in the SR."""
    return structure.name


def algorithm_identification(algorithm: Algorithm) -> AlgorithmIdentificationSequence:
    """The model as PS3.3 10.16 writes it; values equal Contributing Equipment's (IHE AIR)."""
    sequence = AlgorithmIdentificationSequence(
        name=algorithm.name,
        family=algorithm.family,
        version=algorithm.version,
        source=algorithm.manufacturer,
    )
    if algorithm.parameters:
        sequence[0].AlgorithmParameters = algorithm.parameters
    return sequence


def check_shape(voxels: np.ndarray, images: Sequence[Dataset]) -> None:
    """Raises SourceMismatch unless there is one voxel plane for each source instance."""
    expected = (len(images), int(images[0].Rows), int(images[0].Columns))
    if voxels.shape != expected:
        raise SourceMismatch(voxels.shape, expected)


def _segment(analysis: Analysis, number: int, structure: Structure) -> hd.seg.SegmentDescription:
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=structure.name,
        segmented_property_category=structure.category,
        segmented_property_type=structure.type,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm_identification(analysis.algorithm),
        tracking_uid=analysis.tracking_uid(structure),
        tracking_id=tracking_identifier(structure),
        display_color=CIELabColor.from_rgb(*structure.colour),
    )


def fill_slice_thickness(images: Sequence[Dataset]) -> None:
    """Put the distance of the slices where the source has no thickness; what is made must have one.

    Pixel Measures, PS3.3 C.7.6.16.2.1.
    """
    ends = np.array([i.ImagePositionPatient for i in (images[0], images[-1])], dtype=float)
    between = float(np.linalg.norm(ends[1] - ends[0])) / max(len(images) - 1, 1)
    for image in images:
        if not float(image.get("SliceThickness") or 0) > 0:
            image.SliceThickness = between


def name_dimensions(dataset: Dataset, analysis: Analysis, kind: Carrier) -> None:
    """Replace highdicom's random Dimension Organization UID by one that repeats."""
    uid = analysis.uid(kind, "dimensions")
    dataset.DimensionOrganizationSequence[0].DimensionOrganizationUID = uid
    for item in dataset.DimensionIndexSequence:
        item.DimensionOrganizationUID = uid
