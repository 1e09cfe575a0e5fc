"""Observations of what was judged and of what was pointed at: classifications and regions.

Follows HL7 dicom-sr (qualitative evaluations, and groups with a finding) in the elements of R4.
"""

from fhir.resources.R4B.observation import Observation

from standards import codes
from standards.analysis import Analysis, Result
from standards.fhir.concepts import (
    IMAGING,
    MEASUREMENT_GROUP,
    SYSTEMS,
    Element,
    codeable,
)
from standards.fhir.observations import observation
from standards.fhir.references import References
from standards.findings import Classification, Region


def classifications(result: Result, references: References) -> list[Observation]:
    """One Observation for each classification: its code asks, its value answers."""
    analysis = result.analysis
    return [
        observation(
            analysis,
            references,
            analysis.classification_uid(number),
            category=[IMAGING, codeable(codes.QUALITATIVE_EVALUATIONS)],
            code=codeable(one.concept),
            valueCodeableConcept=codeable(one.value),
            bodySite=codeable(one.site) if one.site else None,
            note=_calibration(one) or None,
            component=_about(one) or None,
        )
        for number, one in enumerate(result.findings.classifications, start=1)
    ]


def regions(result: Result, references: References) -> list[Observation]:
    """One Observation for each region: what was found, where in words, and how surely.

    R4 has no element for coordinates; the SR holds them under the same Tracking Unique Identifier.
    """
    analysis = result.analysis
    return [
        observation(
            analysis,
            references,
            analysis.region_uid(number),
            category=[IMAGING, codeable(MEASUREMENT_GROUP)],
            code=codeable(one.category),
            valueCodeableConcept=codeable(one.finding, one.name),
            bodySite=codeable(one.site) if one.site else None,
            note=[{"text": _where(one, analysis)}, *_calibration(one)],
            component=[*_certainty(one.percent), *_depth(one)] or None,
        )
        for number, one in enumerate(result.findings.regions, start=1)
    ]


def _about(one: Classification) -> list[Element]:
    told = _certainty(one.percent)
    if one.laterality is not None:
        side = codeable(one.laterality)
        told.append({"code": codeable(codes.LATERALITY), "valueCodeableConcept": side})
    return told


def _certainty(percent: float | None) -> list[Element]:
    if percent is None:
        return []
    value = {"value": percent, "unit": "%", "system": SYSTEMS["UCUM"], "code": "%"}
    return [{"code": codeable(codes.CERTAINTY_OF_FINDING), "valueQuantity": value}]


def _calibration(one: Classification | Region) -> list[Element]:
    return [{"text": f"Calibration: {one.calibration}"}] if one.calibration else []


def _depth(region: Region) -> list[Element]:
    if region.depth_mm is None:
        return []
    told = round(region.depth_mm, 1)
    value = {"value": told, "unit": "mm", "system": SYSTEMS["UCUM"], "code": "mm"}
    return [{"code": codeable(codes.DEPTH), "valueQuantity": value}]


def _where(region: Region, analysis: Analysis) -> str:
    lowest, highest = region.curve.min(axis=0), region.curve.max(axis=0)
    ranges = [f"{low:.1f} to {high:.1f}" for low, high in zip(lowest, highest, strict=True)]
    image, frame = analysis.place_of(region)
    if image is None:
        place = f"x {ranges[0]}, y {ranges[1]}, z {ranges[2]} mm (LPS)"
        return f"A {region.shape} in the patient: {place}."
    told = image if frame is None else f"{image}, frame {frame}"
    return f"A {region.shape} on image {told}: columns {ranges[0]}, rows {ranges[1]}."
