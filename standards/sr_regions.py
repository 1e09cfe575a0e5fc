"""Measurement groups of a report for regions: a point, line, box or outline and what it shows."""

from collections.abc import Sequence

import numpy as np
from highdicom.sr import (
    FindingSite,
    ImageRegion,
    ImageRegion3D,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    SourceImageForRegion,
    TrackingIdentifier,
)
from highdicom.sr import Measurement as NumberTemplate
from highdicom.sr.value_types import ContentItem
from pydicom import Dataset

from standards import codes
from standards.analysis import Analysis
from standards.contours import enclosed_area
from standards.findings import Region, Shape
from standards.sr_groups import CALIBRATION, OHIF_TOOL, algorithm_of, repeat_drawing, text

# The tool of OHIF that a region becomes editable with; a polyline is none of its shapes.
_TOOLS = {
    Shape.POINT: "Probe",
    Shape.BOX: "RectangleROI",
    Shape.POLYGON: "PlanarFreehandROI",
}


def region_groups(
    analysis: Analysis, regions: Sequence[Region], images: Sequence[Dataset]
) -> list[ContentItem]:
    """One planar group (PS3.16 TID 1410) for each region, in its place among the findings.

    images: as standards.source_images gives them. What is drawn on an image is SCOORD; what lies
    in the patient is SCOORD3D, in the Frame of Reference of the source.
    """
    return [
        item
        for number, region in enumerate(regions, start=1)
        for item in _group(analysis, number, region, images)
    ]


def _group(
    analysis: Analysis, number: int, region: Region, images: Sequence[Dataset]
) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    tool = _TOOLS.get(region.shape) if region.is_on_image else None
    name = OHIF_TOOL.format(tool) + region.name if tool else region.name
    drawing = _drawing(region, images)
    group = PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(analysis.region_uid(number), name),
        referenced_region=drawing,
        finding_category=region.category,
        finding_type=region.finding,
        finding_sites=[FindingSite(region.site)] if region.site else None,
        algorithm_id=algorithm_of(analysis.algorithm),
        measurements=_numbers(region, images) or None,
    )
    if isinstance(drawing, ImageRegion):
        repeat_drawing(group[0], drawing)
    group[0].ContentSequence.append(text(codes.COMMENT, region.name))
    if region.calibration:
        note = CALIBRATION + region.calibration
        group[0].ContentSequence.append(text(codes.COMMENT, note))
    return group


def _drawing(region: Region, images: Sequence[Dataset]) -> ImageRegion | ImageRegion3D:
    """Closed lines are closed POLYLINEs: OHIF fails on the POLYGON that SCOORD3D knows."""
    graphic = "POINT" if region.shape is Shape.POINT else "POLYLINE"
    if region.image_index is None:
        return ImageRegion3D(graphic, region.curve, images[0].FrameOfReferenceUID)
    image = images[region.image_index]
    frames = None if region.frame is None else [region.frame]
    source = SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID, frames)
    return ImageRegion(graphic, region.curve, source)


def _numbers(region: Region, images: Sequence[Dataset]) -> list[NumberTemplate]:
    """How sure the finding is, how deep it reaches, and the area of an outline where pixels have a
    size in the patient.

    Projections have none: what lies nearer to the source is larger on them.
    """
    numbers = []
    if region.percent is not None:
        certainty = codes.CERTAINTY_OF_FINDING
        numbers.append(NumberTemplate(certainty, region.percent, codes.PERCENT))
    if region.depth_mm is not None:
        numbers.append(NumberTemplate(codes.DEPTH, round(region.depth_mm, 1), codes.MILLIMETRE))
    if region.is_closed and region.image_index is not None:
        image = images[region.image_index]
        if image.get("PixelSpacing") and image.get("ImagePositionPatient"):
            size = float(np.prod([float(step) for step in image.PixelSpacing]))
            area = round(enclosed_area(region.curve) * size, 1)
            numbers.append(NumberTemplate(codes.AREA, area, codes.SQUARE_MILLIMETRE))
    return numbers
