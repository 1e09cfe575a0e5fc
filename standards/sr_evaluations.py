"""The Qualitative Evaluations of a report: what was judged, and what was looked for in vain.

They stand below the root (PS3.16 TID 1500) and not in measurement groups of their own (TID 1501):
OHIF shows nothing of a document in which a group has no graphic.
"""

from collections.abc import Sequence

from highdicom.sr import (
    CodeContentItem,
    ContentSequence,
    NumContentItem,
    RelationshipTypeValues,
    TextContentItem,
    TrackingIdentifier,
)
from highdicom.sr.value_types import ContentItem
from pydicom.sr.coding import Code

from standards import codes
from standards.analysis import Result
from standards.findings import Classification, Structure
from standards.identity import Algorithm
from standards.sr_groups import CALIBRATION, algorithm_of, text


def evaluations(result: Result, unseen: Sequence[Structure]) -> list[ContentItem]:
    """Classifications, absences and warnings, as codes and in words: silence would be ambiguous.

    unseen: the structures of the label map that are marked nowhere.
    """
    algorithm = result.analysis.algorithm
    who = f"{algorithm.name} {algorithm.version}"
    items: list[ContentItem] = []
    for number, one in enumerate(result.findings.classifications, start=1):
        items.append(_evaluation(one, result.analysis.classification_uid(number), algorithm))
    for structure in unseen:
        items.append(_code(structure.type, codes.ABSENT))
        items.append(text(codes.COMMENT, f"{who} marked nothing as {structure.name}."))
    if result.findings.is_empty:
        items.append(_code(codes.FINDING, codes.ABSENT))
        items.append(text(codes.COMMENT, f"{who} reports no finding."))
    items += [text(codes.COMMENT, f"Warning: {one.text}") for one in result.findings.caveats]
    return items


def _evaluation(one: Classification, tracking_uid: str, algorithm: Algorithm) -> ContentItem:
    """Question and answer, with what it is about and how sure it is below it."""
    item = _code(one.concept, one.value)
    properties = RelationshipTypeValues.HAS_PROPERTIES
    below: list[ContentItem] = [
        *TrackingIdentifier(tracking_uid, one.concept.meaning),
        *algorithm_of(algorithm),
    ]
    if one.site is not None:
        below.append(_site(one.site, one.laterality))
    if one.percent is not None:
        certainty = codes.CERTAINTY_OF_FINDING
        below.append(NumContentItem(certainty, one.percent, codes.PERCENT, None, properties))
    if one.calibration:
        below.append(TextContentItem(codes.COMMENT, CALIBRATION + one.calibration, properties))
    item.ContentSequence = ContentSequence(below)
    return item


def _site(site: Code, laterality: Code | None) -> ContentItem:
    """The finding site as in TID 300, with the side of it."""
    modifier = RelationshipTypeValues.HAS_CONCEPT_MOD
    item = CodeContentItem(codes.FINDING_SITE, site, modifier)
    if laterality is not None:
        side = CodeContentItem(codes.LATERALITY, laterality, modifier)
        item.ContentSequence = ContentSequence([side])
    return item


def _code(name: Code, value: Code) -> CodeContentItem:
    return CodeContentItem(name, value, RelationshipTypeValues.CONTAINS)
