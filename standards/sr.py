"""Findings as one DICOM Structured Report, the root of an AI result (IHE AIR Rev 1.3)."""

from collections.abc import Iterator, Sequence

from highdicom.sr import (
    CodeContentItem,
    CodedConcept,
    Comprehensive3DSR,
    ContainerContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    LanguageOfContentItemAndDescendants,
    ObservationContext,
    ObserverContext,
    RelationshipTypeValues,
)
from highdicom.sr.value_types import ContentItem
from pydicom import Dataset
from pydicom.sr.coding import Code

from standards import codes
from standards.analysis import Analysis, Document, Result
from standards.derived import (
    finish,
    placed_images,
    series_of,
    source_images,
    study_attributes,
)
from standards.findings import Findings, Structure
from standards.region import check_places
from standards.seg import check_shape
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

_ENGLISH = Code("en", "RFC5646", "English")
_PROCEDURES = {  # CID 100, by Modality; what was imaged, not what the algorithm did
    "CT": codes.CT_UNSPECIFIED_BODY_REGION,
    "MR": Code("25056-3", "LN", "MRI unspecified body region"),
    "PT": Code("44136-0", "LN", "PET unspecified body region"),
    "NM": Code("49118-3", "LN", "NM unspecified body region"),
    "CR": Code("43468-8", "LN", "XR unspecified body region"),
    "DX": Code("43468-8", "LN", "XR unspecified body region"),
}
_ANY_PROCEDURE = Code("363679005", "SCT", "Imaging procedure")


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
        images = source_images(analysis.source)
    else:
        images = placed_images(analysis.source)
        check_shape(findings.label_map.voxels, images)
    check_places(findings.regions, images)
    made = [*maps] if segmentation is None else [segmentation, *maps]
    dataset = Comprehensive3DSR(
        evidence=[*images, *made],
        content=_root(result, images, segmentation, maps),
        **series_of(analysis, "report", SERIES_NUMBER),
        is_complete=True,
        is_final=False,
        is_verified=False,
    )
    finish(dataset, analysis, "report")
    if any(code.scheme_designator == _OWN_SCHEME for code in _concepts(findings)):
        dataset.CodingSchemeIdentificationSequence = [_own_coding_scheme()]
    if analysis.supersedes is not None and analysis.supersedes.document is not None:
        predecessor = _predecessor(analysis, analysis.supersedes.document)
        dataset.PredecessorDocumentsSequence = [predecessor]
    request = _referenced_request(analysis, dataset)
    if request is not None:
        dataset.ReferencedRequestSequence = [request]
    return dataset


def _root(
    result: Result,
    images: Sequence[Dataset],
    segmentation: Dataset | None,
    maps: Sequence[Dataset],
) -> ContainerContentItem:
    seen, unseen = _looked_for(result.findings)
    modality = str(images[0].get("Modality", ""))
    procedure = CodeContentItem(
        codes.PROCEDURE_REPORTED,
        _PROCEDURES.get(modality, _ANY_PROCEDURE),
        RelationshipTypeValues.HAS_CONCEPT_MOD,
    )
    quantities = [one.quantity for one in result.findings.heat_maps]
    named = list(zip(quantities, maps, strict=False))
    root = ContainerContentItem(codes.IMAGING_MEASUREMENT_REPORT, template_id="1500")
    root.ContentSequence = ContentSequence(
        [
            *LanguageOfContentItemAndDescendants(CodedConcept.from_code(_ENGLISH)),
            *_observer(result.analysis),
            procedure,
            image_library(images, study_attributes(result.analysis.source[0]), named),
            *_imaging_measurements(result, seen, images, segmentation),
            *_derived_measurements(result, seen),
            *_section(codes.QUALITATIVE_EVALUATIONS, evaluations(result, unseen)),
        ]
    )
    return root


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


def _observer(analysis: Analysis) -> ObservationContext:
    """The model as device observer, with the values of Contributing Equipment (IHE AIR)."""
    algorithm = analysis.algorithm
    device = DeviceObserverIdentifyingAttributes(
        uid=algorithm.device_uid,
        name=algorithm.name,
        manufacturer_name=algorithm.manufacturer,
        model_name=algorithm.name,
    )
    return ObservationContext(
        observer_device_context=ObserverContext(CodedConcept.from_code(codes.DEVICE), device)
    )


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
    return _section(codes.IMAGING_MEASUREMENTS, groups)


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
    return _section(codes.DERIVED_IMAGING_MEASUREMENTS, numbers)


def _section(name: Code, items: Sequence[ContentItem]) -> list[ContentItem]:
    """A container below the root, or nothing where it would be empty."""
    if not items:
        return []
    container = ContainerContentItem(name, relationship_type=RelationshipTypeValues.CONTAINS)
    container.ContentSequence = ContentSequence(items)
    return [container]


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


def _predecessor(analysis: Analysis, document: Document) -> Dataset:
    """The report that this one takes the place of, in the same study (PS3.3 Table C.17-3)."""
    reference = Dataset()
    reference.ReferencedSOPClassUID = document.sop_class_uid
    reference.ReferencedSOPInstanceUID = document.sop_instance_uid
    series = Dataset()
    series.SeriesInstanceUID = document.series_instance_uid
    series.ReferencedSOPSequence = [reference]
    study = Dataset()
    study.StudyInstanceUID = analysis.study_instance_uid
    study.ReferencedSeriesSequence = [series]
    return study


def _referenced_request(analysis: Analysis, dataset: Dataset) -> Dataset | None:
    """The imaging request that the source fulfils (PS3.3 C.17.2), None where it names none."""
    source = analysis.source[0]
    asked = next(iter(source.get("RequestAttributesSequence") or []), Dataset())
    if not dataset.AccessionNumber and not asked:
        return None
    item = Dataset()
    item.StudyInstanceUID = dataset.StudyInstanceUID
    item.ReferencedStudySequence = []
    item.AccessionNumber = dataset.AccessionNumber
    item.PlacerOrderNumberImagingServiceRequest = None
    item.FillerOrderNumberImagingServiceRequest = None
    item.RequestedProcedureID = asked.get("RequestedProcedureID")
    item.RequestedProcedureDescription = asked.get("RequestedProcedureDescription")
    item.RequestedProcedureCodeSequence = []
    return item
