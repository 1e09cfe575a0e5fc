"""Observations of measurements: one for each, joined by hasMember into one group per structure.

Follows HL7 dicom-sr (TID 1500: groups and NUM items) in the elements that R4 has.
"""

from collections.abc import Iterable
from typing import Any

from fhir.resources.R4B.observation import Observation

from standards.analysis import Analysis, Result
from standards.fhir import references as refer
from standards.fhir.concepts import (
    ABSENT,
    IMAGING,
    IMAGING_MEASUREMENTS,
    MEASUREMENT_GROUP,
    NOT_PERFORMED,
    OBSERVATION_UID,
    SYSTEMS,
    Element,
    ai_labelled,
    codeable,
    uid_identifier,
)
from standards.fhir.references import References
from standards.fhir.times import instant_of, study_time
from standards.findings import Measurement, Structure


def observations(
    result: Result, references: References
) -> tuple[list[Observation], list[Observation]]:
    """The groups of a result, and the measurements that are their members.

    A group stands for one structure of the label map, or for what was measured on all of them
    together. A structure that was looked for and not seen is said to be absent.
    """
    groups: list[Observation] = []
    members: list[Observation] = []
    for label, structure in _described(result):
        measured = [m for m in enumerate(result.findings.measurements) if m[1].label == label]
        own = [_measurement(result.analysis, references, *m) for m in measured]
        members += own
        if structure is None and own:
            groups.append(_group_of_all(result.analysis, references, own))
        elif structure is not None and (own or _is_seen(result, label)):
            groups.append(_group(result.analysis, references, structure, own))
        elif structure is not None:
            groups.append(_absence(result.analysis, references, structure))
    return groups, members


def refusal(analysis: Analysis, reason: str, references: References) -> Observation:
    """That there are no measurements, and why: silence would read as a negative finding."""
    return observation(
        analysis,
        references,
        analysis.uid("FHIR", "Observation", "none"),
        status="cancelled",
        category=[IMAGING],
        code=codeable(IMAGING_MEASUREMENTS),
        dataAbsentReason=NOT_PERFORMED | {"text": reason},
    )


def _described(result: Result) -> list[tuple[int | None, Structure | None]]:
    """Every label with its structure, then (None, None) for all of them together."""
    label_map = result.findings.label_map
    structures = label_map.structures if label_map else ()
    return [*enumerate(structures, start=1), (None, None)]


def _is_seen(result: Result, label: int | None) -> bool:
    label_map = result.findings.label_map
    return label_map is not None and bool((label_map.voxels == label).any())


def _group(
    analysis: Analysis, references: References, structure: Structure, members: list[Observation]
) -> Observation:
    """Code and value are Finding Category and Finding of the group (276214006, 121071)."""
    return observation(
        analysis,
        references,
        analysis.uid("FHIR", "Observation", "group", structure.name),
        category=[IMAGING, codeable(MEASUREMENT_GROUP)],
        code=codeable(structure.category),
        valueCodeableConcept=codeable(structure.type, structure.name),
        bodySite=_site(members),
        hasMember=_references(members),
    )


def _group_of_all(
    analysis: Analysis, references: References, members: list[Observation]
) -> Observation:
    return observation(
        analysis,
        references,
        analysis.uid("FHIR", "Observation", "group"),
        category=[IMAGING, codeable(MEASUREMENT_GROUP)],
        code=codeable(IMAGING_MEASUREMENTS),
        bodySite=_site(members),
        hasMember=_references(members),
    )


def _absence(analysis: Analysis, references: References, structure: Structure) -> Observation:
    return observation(
        analysis,
        references,
        analysis.uid("FHIR", "Observation", "group", structure.name),
        category=[IMAGING, codeable(MEASUREMENT_GROUP)],
        code=codeable(structure.type, structure.name),
        valueCodeableConcept=codeable(ABSENT, f"{structure.name}: not found by the algorithm"),
    )


def _measurement(
    analysis: Analysis, references: References, number: int, measurement: Measurement
) -> Observation:
    """One NUM item. The derivation (CID 7464) is the method, and said in the text of the code."""
    concept, derivation = measurement.concept, measurement.derivation
    text = f"{concept.meaning}, {derivation.meaning}" if derivation else concept.meaning
    return observation(
        analysis,
        references,
        analysis.uid("FHIR", "Observation", "measurement", str(number)),
        category=[IMAGING],
        code=codeable(concept, text),
        valueQuantity={
            "value": measurement.rounded,
            "unit": measurement.unit.meaning,
            "system": SYSTEMS["UCUM"],
            "code": measurement.unit.value,
        },
        bodySite=codeable(measurement.site),
        method=codeable(derivation) if derivation else None,
    )


def observation(
    analysis: Analysis, references: References, uid: str, **elements: Any
) -> Observation:
    """What all Observations of one analysis have in common; `uid` is id and identifier.

    effective is when the patient was imaged, issued when the analysis ran. R4 has no device
    among performers, so the model stands in `device`.
    """
    study = refer.imaging_study(analysis)
    common: Element = {
        "id": uid,
        "meta": ai_labelled(),
        "identifier": [{"type": OBSERVATION_UID} | uid_identifier(uid)],
        "basedOn": refer.orders(analysis, references) or None,
        "partOf": [study],
        "status": "preliminary",
        "subject": refer.subject(analysis),
        "effectiveDateTime": study_time(analysis.source[0]),
        "issued": instant_of(analysis.started),
        "device": refer.device(analysis),
        "derivedFrom": [study],
    }
    return Observation.model_validate(common | elements)


def _references(members: Iterable[Observation]) -> list[Element] | None:
    references = [{"reference": f"Observation/{m.id}", "type": "Observation"} for m in members]
    return references or None


def _site(members: list[Observation]) -> Any:
    """The finding site, where all members have the same."""
    sites = [member.bodySite for member in members]
    return sites[0] if sites and all(site == sites[0] for site in sites) else None
