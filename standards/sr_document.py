"""What every report of an analysis has: its root, who observed, and what it refers to."""

from collections.abc import Sequence
from itertools import groupby

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
from standards.analysis import Analysis, Carrier, Document
from standards.derived import finish, series_of

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


def document(
    analysis: Analysis,
    kind: Carrier,
    series_number: int,
    evidence: Sequence[Dataset],
    root: ContainerContentItem,
) -> Comprehensive3DSR:
    """One Comprehensive 3D SR in the study of the source, with that content.

    evidence: what the content refers to. Not final and not verified, since no person saw it.
    Follows PS3.3 A.35.13 and C.17.2.
    """
    dataset = Comprehensive3DSR(
        evidence=evidence,
        content=root,
        **series_of(analysis, kind, series_number),
        is_complete=True,
        is_final=False,
        is_verified=False,
    )
    finish(dataset, analysis, kind)
    if analysis.supersedes is not None and analysis.supersedes.documents:
        predecessors = _predecessors(analysis, analysis.supersedes.documents)
        dataset.PredecessorDocumentsSequence = [predecessors]
    request = _referenced_request(analysis, dataset)
    if request is not None:
        dataset.ReferencedRequestSequence = [request]
    return dataset


def measurement_report(analysis: Analysis, content: Sequence[ContentItem]) -> ContainerContentItem:
    """The root of PS3.16 TID 1500: language, observer, what was imaged, then the content."""
    modality = str(analysis.source[0].get("Modality", ""))
    procedure = CodeContentItem(
        codes.PROCEDURE_REPORTED,
        _PROCEDURES.get(modality, _ANY_PROCEDURE),
        RelationshipTypeValues.HAS_CONCEPT_MOD,
    )
    root = ContainerContentItem(codes.IMAGING_MEASUREMENT_REPORT, template_id="1500")
    root.ContentSequence = ContentSequence(
        [
            *LanguageOfContentItemAndDescendants(CodedConcept.from_code(_ENGLISH)),
            *_observer(analysis),
            procedure,
            *content,
        ]
    )
    return root


def section(name: Code, items: Sequence[ContentItem]) -> list[ContentItem]:
    """A container below the root, or nothing where it would be empty."""
    if not items:
        return []
    container = ContainerContentItem(name, relationship_type=RelationshipTypeValues.CONTAINS)
    container.ContentSequence = ContentSequence(items)
    return [container]


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


def _predecessors(analysis: Analysis, documents: Sequence[Document]) -> Dataset:
    """The reports that this one takes the place of, in the same study (PS3.3 Table C.17-3)."""
    ordered = sorted(documents, key=lambda one: one.series_instance_uid)
    study = Dataset()
    study.StudyInstanceUID = analysis.study_instance_uid
    study.ReferencedSeriesSequence = [
        _series(uid, list(group))
        for uid, group in groupby(ordered, key=lambda one: one.series_instance_uid)
    ]
    return study


def _series(uid: str, documents: Sequence[Document]) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = uid
    series.ReferencedSOPSequence = [_reference(one) for one in documents]
    return series


def _reference(document: Document) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = document.sop_class_uid
    reference.ReferencedSOPInstanceUID = document.sop_instance_uid
    return reference


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
