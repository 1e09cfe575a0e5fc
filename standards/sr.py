"""Findings as one DICOM Structured Report, the root of an AI result (IHE AIR Rev 1.3)."""

from collections.abc import Iterator, Sequence

from highdicom.sr import (
    Comprehensive3DSR,
    ContainerContentItem,
)
from highdicom.sr.value_types import ContentItem
from pydicom import Dataset
from pydicom.sr.coding import Code

from standards import codes
from standards.analysis import Result
from standards.findings import Findings, Structure
from standards.patient_study import study_attributes
from standards.region import check_places
from standards.seg import check_shape
from standards.source_images import placed_images, source_images
from standards.sr_document import document, measurement_report, section
from standards.sr_evaluations import evaluations
from standards.sr_groups import (
    DrawnStructure,
    algorithm_of,
    drawn_structure,
    groups_of,
    number_of,
)
from standards.sr_library import image_library
from standards.sr_regions import region_groups

SERIES_NUMBER = 9002

_OWN_SCHEME = "99AIRGATE"  # standards/codes.py


def report(
    result: Result, segmentation: Dataset | None, maps: Sequence[Dataset] = ()
) -> Comprehensive3DSR:
    """Write all findings as one Comprehensive 3D SR in the study of their source.

    segmentation: the SEG of the same result, so that numbers refer to its segments; None where
        none is written. maps: its parametric maps, in the order of the heat maps.

    Imaging Measurements hold the structures that were seen, and the regions. Derived Imaging
    Measurements hold the other numbers, and Qualitative Evaluations the classifications and what
    was looked for and not seen.
    Raises SourceMismatch if voxels and source differ in slices, rows or columns, StandardsError
    for a region outside its image.
    Follows PS3.3 A.35.13 and PS3.16 TID 1500; not final and not verified, since no person saw it.
    """
    analysis, findings = result.analysis, result.findings
    if findings.label_map is None:
        images = source_images(analysis.instances)
    else:
        images = placed_images(analysis.instances)
        check_shape(findings.label_map.voxels, images)
    check_places(findings.regions, images)
    made = [*maps] if segmentation is None else [segmentation, *maps]
    root = _root(result, images, segmentation, maps)
    dataset = document(analysis, "report", SERIES_NUMBER, [*images, *made], root)
    if any(code.scheme_designator == _OWN_SCHEME for code in _concepts(findings)):
        dataset.CodingSchemeIdentificationSequence = [_own_coding_scheme()]
    return dataset


def _root(
    result: Result,
    images: Sequence[Dataset],
    segmentation: Dataset | None,
    maps: Sequence[Dataset],
) -> ContainerContentItem:
    seen, unseen = _looked_for(result.findings)
    quantities = [one.quantity for one in result.findings.heat_maps]
    named = list(zip(quantities, maps, strict=False))
    study = study_attributes(result.analysis.source[0])
    return measurement_report(
        result.analysis,
        [
            image_library(images, study, named),
            *_imaging_measurements(result, seen, images, segmentation),
            *_derived_measurements(result, seen),
            *section(codes.QUALITATIVE_EVALUATIONS, evaluations(result, unseen)),
        ],
    )


def _looked_for(findings: Findings) -> tuple[list[DrawnStructure], list[Structure]]:
    """The structures of the label map that are marked somewhere, and those that are not."""
    seen: list[DrawnStructure] = []
    unseen: list[Structure] = []
    labels = findings.label_map
    if labels is None:
        return seen, unseen
    for number, structure in enumerate(labels.structures, start=1):
        region = drawn_structure(findings, labels, number)
        if region is None:
            unseen.append(structure)
        else:
            seen.append(region)
    return seen, unseen


def _imaging_measurements(
    result: Result,
    seen: Sequence[DrawnStructure],
    images: Sequence[Dataset],
    segmentation: Dataset | None,
) -> list[ContentItem]:
    groups = [
        item
        for region in seen
        for group in groups_of(result, region, images, segmentation)
        for item in group
    ]
    groups += region_groups(result.analysis, result.findings.regions, images)
    return section(codes.IMAGING_MEASUREMENTS, groups)


def _derived_measurements(result: Result, seen: Sequence[DrawnStructure]) -> list[ContentItem]:
    """Numbers about all structures together, or about one that is marked nowhere.

    They have no outline of their own, and one measurement group without a graphic makes OHIF
    show nothing of the whole document. TID 1500 has this second place for what follows from
    several regions (TID 1420), which OHIF passes over; the names that TID 1420 proposes are
    statistics of populations (CID 7465), and the model's own go beyond them. The references by
    identifier that it allows from here to the single numbers are left out: highdicom cannot
    read a tree with them, and the finding site says what is meant.
    """
    drawn = {region.number for region in seen}
    numbers = [
        item
        for measurement in result.findings.measurements
        if measurement.label not in drawn
        for item in number_of(measurement)
    ]
    for item in numbers:
        item.ContentSequence.extend(algorithm_of(result.analysis.algorithm))
    return section(codes.DERIVED_IMAGING_MEASUREMENTS, numbers)


def _concepts(findings: Findings) -> Iterator[Code]:
    """The codes of findings that a model may have to invent."""
    yield from (one.concept for one in findings.measurements)
    yield from (one.quantity for one in findings.heat_maps)
    yield from (one.finding for one in findings.regions)
    for one in findings.classifications:
        yield from (one.concept, one.value)


def _own_coding_scheme() -> Dataset:
    """Whose the private designator of our concepts is (PS3.3 C.12.1.1.9)."""
    item = Dataset()
    item.CodingSchemeDesignator = _OWN_SCHEME
    item.CodingSchemeName = "Concepts of Airgate"
    item.CodingSchemeResponsibleOrganization = "Airgate project"
    return item
