"""Measurement groups of a report: for each structure what is drawn and what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    ContentSequence,
    CoordinatesForMeasurement,
    FindingSite,
    GraphicTypeValues,
    ImageRegion,
    MeasurementsAndQualitativeEvaluations,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceImageForRegion,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from highdicom.sr import Measurement as NumberTemplate
from highdicom.sr.value_types import ContentItem
from pydicom import Dataset
from pydicom.sr.coding import Code

from standards import codes
from standards.analysis import Analysis, Result
from standards.contours import enclosed_area, outlines
from standards.findings import Findings, LabelMap, Measurement, Structure
from standards.identity import Algorithm

# OHIF makes an editable measurement of a group whose identifier begins like this; what follows
# the tool is free, and it keeps the two groups of a structure apart for people.
OHIF_TOOL = "Cornerstone3DTools@^0.1.0:{}:"
CALIBRATION = "Calibration of the certainty: "  # before the note on it
_OHIF_FREEHAND = OHIF_TOOL.format("PlanarFreehandROI")


@dataclass(frozen=True, slots=True, eq=False)
class DrawnStructure:
    """A structure that was seen, and the one closed outline that stands for it.

    number: its label and segment number; outline: (points, 2) of (column, row) on the slice.
    """

    number: int
    structure: Structure
    slice_index: int
    outline: np.ndarray


def drawn_structure(findings: Findings, labels: LabelMap, number: int) -> DrawnStructure | None:
    """The outline of structure `number`, None where nothing is marked.

    Taken from the key slice if the structure is marked there, so that a viewer shows all of
    them together and agrees with the key image; else from the slice with most of it. Of several
    pieces the one that encloses most is drawn: SCOORD POLYLINE is a single curve.
    """
    key = findings.key_image.slice_index if findings.key_image else 0
    found = outlines(labels.voxels[key] == number)
    if not found:
        key = _fullest_slice(labels, number)
        found = outlines(labels.voxels[key] == number)
    if not found:
        return None
    return DrawnStructure(number, labels.structures[number - 1], key, found[0])


def _fullest_slice(labels: LabelMap, number: int) -> int:
    return int(np.argmax([np.count_nonzero(plane == number) for plane in labels.voxels]))


def groups_of(
    result: Result, drawn: DrawnStructure, images: Sequence[Dataset], segmentation: Dataset | None
) -> list[ContentSequence]:
    """The two groups of one structure, under one Tracking Unique Identifier.

    A planar one (TID 1410) that viewers draw, and one with the model's numbers: volumetric (TID
    1411) with a reference to the segment, or plain (TID 1501) where there is no segmentation.
    The planar group comes first: OHIF merges groups of one Tracking Unique Identifier, takes the
    tool from the first, and shows nothing of a document in which one of them has no graphic.
    """
    measured = [m for m in result.findings.measurements if m.label == drawn.number]
    planar = _planar(result.analysis, drawn, images[drawn.slice_index], measured)
    if segmentation is None and not measured:
        return [planar]
    common = _common(result.analysis, drawn.structure, drawn.structure.name, measured)
    numbers = [number_of(m, site_of_group=measured[0].site) for m in measured]
    if segmentation is None:
        return [planar, MeasurementsAndQualitativeEvaluations(**common, measurements=numbers)]
    segment = _segment(segmentation, drawn.number, images)
    volumetric = VolumetricROIMeasurementsAndQualitativeEvaluations(
        **common, referenced_segment=segment, measurements=numbers
    )
    return [planar, volumetric]


def number_of(measurement: Measurement, site_of_group: Code | None = None) -> NumberTemplate:
    """A measurement as TID 300, rounded to the digits that mean something.

    Its finding site is left out where the group says the same already.
    """
    said = site_of_group is not None and measurement.site == site_of_group
    return NumberTemplate(
        name=measurement.concept,
        value=measurement.rounded,
        unit=measurement.unit,
        derivation=measurement.derivation,
        finding_sites=None if said else [FindingSite(measurement.site)],
    )


def algorithm_of(algorithm: Algorithm) -> AlgorithmIdentification:
    """TID 4019, with the values of Contributing Equipment (IHE AIR Table 6.5.3.1-1)."""
    return AlgorithmIdentification(
        name=algorithm.name,
        version=algorithm.version,
        parameters=[algorithm.parameters] if algorithm.parameters else None,
        family=algorithm.family,
        manufacturer=algorithm.manufacturer,
    )


def _common(
    analysis: Analysis, structure: Structure, identifier: str, measured: Sequence[Measurement]
) -> dict:
    return {
        "tracking_identifier": TrackingIdentifier(analysis.tracking_uid(structure), identifier),
        "finding_category": structure.category,
        "finding_type": structure.type,
        "finding_sites": [FindingSite(measured[0].site)] if measured else None,
        "algorithm_id": algorithm_of(analysis.algorithm),
    }


def _planar(
    analysis: Analysis, drawn: DrawnStructure, image: Dataset, measured: Sequence[Measurement]
) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    row_step, column_step = (float(value) for value in image.PixelSpacing)
    area = NumberTemplate(
        name=codes.AREA,
        value=round(enclosed_area(drawn.outline) * row_step * column_step, 1),
        unit=codes.SQUARE_MILLIMETRE,
    )
    outline = ImageRegion(GraphicTypeValues.POLYLINE, drawn.outline, _drawn_on(image))
    group = PlanarROIMeasurementsAndQualitativeEvaluations(
        **_common(analysis, drawn.structure, _OHIF_FREEHAND + drawn.structure.name, measured),
        referenced_region=outline,
        measurements=[area],
    )
    repeat_drawing(group[0], outline)
    group[0].ContentSequence.append(text(codes.COMMENT, drawn.structure.name))
    return group


def repeat_drawing(group: Dataset, drawing: ImageRegion) -> None:
    """Put a copy of what is drawn below each number: only with it OHIF makes it editable.

    It is added here since highdicom would refuse it, though PS3.16 TID 300 allows it.
    """
    for item in group.ContentSequence:
        if item.ValueType == "NUM":
            copy = CoordinatesForMeasurement(
                drawing.graphic_type, drawing.value, drawing.ContentSequence[0]
            )
            item.ContentSequence = ContentSequence([*item.get("ContentSequence", []), copy])


def text(name: Code, value: str) -> ContentItem:
    return TextContentItem(name, value, RelationshipTypeValues.CONTAINS)


def _drawn_on(image: Dataset) -> SourceImageForRegion:
    return SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID)


def _segment(segmentation: Dataset, number: int, images: Sequence[Dataset]) -> ReferencedSegment:
    # Written out, since highdicom's from_segmentation fails on a SEG with one segment.
    return ReferencedSegment(
        sop_class_uid=segmentation.SOPClassUID,
        sop_instance_uid=segmentation.SOPInstanceUID,
        segment_number=number,
        source_series=SourceSeriesForSegmentation(images[0].SeriesInstanceUID),
    )
