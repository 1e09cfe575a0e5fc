"""Reports by TID 1500 of somebody else -> measurements and classifications (PS3.16 TID 1500).

What a report draws beside its segments is counted and told as a caveat; words are passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.sr.codedict import codes as dictionary
from pydicom.sr.coding import Code

from standards import codes
from standards.classification import Classification
from standards.coded_items import code_of, first_code
from standards.errors import LimitExceeded, StandardsError
from standards.findings import Caveat, Finding, Measurement
from standards.seg_reader import ReadLabels
from standards.sr_content import MOST_ITEMS

_MEASUREMENTS = (codes.IMAGING_MEASUREMENTS, codes.DERIVED_IMAGING_MEASUREMENTS)
_CATEGORIES = (  # what a group says of itself; not what was judged
    codes.FINDING,
    codes.FINDING_SITE,
    Code("276214006", "SCT", "Finding category"),
    dictionary.DCM.AlgorithmFamily,
)
_DERIVATION = dictionary.DCM.Derivation
_TRACKING_UID = dictionary.DCM.TrackingUniqueIdentifier
_MOST_DECIMALS = 6
_DRAWN = ("SCOORD", "SCOORD3D")


class UnfitReport(StandardsError):
    """A structured report that says nothing a carrier could repeat."""

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the report has {found}; expected {expected}")


@dataclass(frozen=True, slots=True)
class _About:
    """What a group of measurements is about."""

    label: int | None = None
    site: Code | None = None
    finding: Code | None = None


def read_report(report: Dataset, labels: ReadLabels | None) -> list[Finding]:
    """labels: the segments that it may refer to, by number or by Tracking UID.

    Raises UnfitReport, StandardsError, LimitExceeded, and what reading foreign objects raises.
    """
    title = first_code(report, "ConceptNameCodeSequence")
    if title != codes.IMAGING_MEASUREMENT_REPORT:
        raise UnfitReport(f"the title {title.meaning!r}", "an Imaging Measurement Report, TID 1500")
    if sum(1 for _ in _below(report)) > MOST_ITEMS:
        raise LimitExceeded(f"a report of more than {MOST_ITEMS} content items")
    found: list[Finding] = []
    drawings = 0
    for section in _containers(report):
        name = first_code(section, "ConceptNameCodeSequence")
        if name in _MEASUREMENTS:
            found += [_measurement(item, _About()) for item in _of_type(section, "NUM")]
            for group in _containers(section):
                about = _about(group, labels)
                found += [_measurement(item, about) for item in _of_type(group, "NUM")]
                found += _evaluations(group, about)
                drawings += about.label is None and _is_drawn(group)
        elif name == codes.QUALITATIVE_EVALUATIONS:
            found += _evaluations(section, _About())
    if drawings:
        told = f"{drawings} drawing(s) in the report that the model wrote were not taken over"
        found.append(Caveat(told))
    return found


def _about(group: Dataset, labels: ReadLabels | None) -> _About:
    """A group that refers to one segment, or tracks the same thing as one, is about its label."""
    site, finding = _coded(group, codes.FINDING_SITE), _coded(group, codes.FINDING)
    known = {*_labels(group, labels)} if labels else set()
    if labels is None or len(known) != 1:
        return _About(None, site, finding)
    (label,) = known
    return _About(label, site or labels.label_map.structures[label - 1].type, finding)


def _labels(group: Dataset, labels: ReadLabels) -> Iterator[int]:
    for item in _of_type(group, "IMAGE"):
        for one in item.ReferencedSOPSequence:
            segment = one.get("ReferencedSegmentNumber")
            for number in segment if isinstance(segment, MultiValue) else [segment]:
                label = labels.numbers.get((str(one.ReferencedSOPInstanceUID), int(number or 0)))
                if label is not None:
                    yield label
    for item in _of_type(group, "UIDREF"):
        if _name(item) == _TRACKING_UID and str(item.UID) in labels.tracked:
            yield labels.tracked[str(item.UID)]


def _measurement(item: Dataset, about: _About) -> Measurement:
    concept = first_code(item, "ConceptNameCodeSequence")
    if not item.get("MeasuredValueSequence"):
        raise UnfitReport(f"no value of {concept.meaning!r}", "a number with its unit")
    measured = item.MeasuredValueSequence[0]
    site = _coded(item, codes.FINDING_SITE) or about.site or about.finding
    if site is None:
        raise UnfitReport(f"no finding site of {concept.meaning!r}", "one, or a finding")
    written = Decimal(str(measured.NumericValue))
    exponent = written.as_tuple().exponent
    return Measurement(
        concept,
        float(written),
        first_code(measured, "MeasurementUnitsCodeSequence"),
        site,
        about.label,
        _coded(item, _DERIVATION),
        min(max(-exponent, 0), _MOST_DECIMALS) if isinstance(exponent, int) else 0,
    )


def _evaluations(parent: Dataset, about: _About) -> Iterator[Classification]:
    for item in _of_type(parent, "CODE"):
        if item.RelationshipType != "CONTAINS":
            continue
        concept = first_code(item, "ConceptNameCodeSequence")
        if concept in _CATEGORIES:
            continue
        value = first_code(item, "ConceptCodeSequence")
        site = _coded(item, codes.FINDING_SITE) or about.site
        yield Classification(concept, value, _probability(item), site=site)


def _probability(item: Dataset) -> float | None:
    for below in _of_type(item, "NUM"):
        if _name(below) == codes.CERTAINTY_OF_FINDING:
            return float(below.MeasuredValueSequence[0].NumericValue) / 100
    return None


def _coded(parent: Dataset, concept: Code) -> Code | None:
    for item in _of_type(parent, "CODE"):
        if _name(item) == concept:
            return code_of(item.ConceptCodeSequence[0])
    return None


def _name(item: Dataset) -> Code | None:
    """Items that refer to others have none."""
    named = item.get("ConceptNameCodeSequence")
    return code_of(named[0]) if named else None


def _is_drawn(group: Dataset) -> bool:
    return any(item.ValueType in _DRAWN for item in _below(group))


def _of_type(parent: Dataset, value_type: str) -> list[Dataset]:
    """Its own items, not those below them."""
    return [one for one in parent.get("ContentSequence", ()) if one.ValueType == value_type]


def _containers(parent: Dataset) -> list[Dataset]:
    return _of_type(parent, "CONTAINER")


def _below(dataset: Dataset) -> Iterator[Dataset]:
    for item in dataset.get("ContentSequence", ()):
        yield item
        yield from _below(item)
