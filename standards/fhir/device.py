"""Who asserted a result and from what: Device and Provenance (AI Transparency on FHIR, R4)."""

from collections.abc import Sequence

from fhir.resources.R4B.device import Device
from fhir.resources.R4B.provenance import Provenance
from fhir.resources.R4B.resource import Resource

from standards.analysis import Analysis
from standards.fhir import references as refer
from standards.fhir.concepts import (
    AI_ASSERTED,
    AI_DEVICE,
    AI_FOR_IMAGING,
    AI_KIND,
    Element,
    coded,
    uid_identifier,
)
from standards.fhir.times import instant_of
from standards.identity import Algorithm

NOT_VERIFIED = "Made by an artificial intelligence algorithm and not verified by a person."

# Provenance.patient of R5, carried to R4 by HL7's cross-version extension
PROVENANCE_PATIENT = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Provenance.patient"


def device(algorithm: Algorithm) -> Device:
    """One build of one model. Another build is another Device (IHE AIR 6.5.3.1, Device UID)."""
    return Device.model_validate(
        {
            "id": algorithm.device_uid,
            "extension": [{"url": AI_KIND, "valueCodeableConcept": AI_FOR_IMAGING}],
            "identifier": [uid_identifier(algorithm.device_uid)],
            "status": "active",
            "manufacturer": algorithm.manufacturer,
            "deviceName": [{"name": algorithm.name, "type": "model-name"}],
            "type": AI_DEVICE,
            "version": [
                {"type": {"text": "software"}, "value": algorithm.version},
                {"type": {"text": "SHA-256 of code and weights"}, "value": algorithm.digest},
            ],
            "note": [{"text": f"Software, for research use. Results: {NOT_VERIFIED}"}],
        }
    )


def provenance(analysis: Analysis, targets: Sequence[Resource]) -> Provenance:
    """Which model made the targets, when, and from which study and series."""
    series_uid = str(analysis.source[0].SeriesInstanceUID)
    series = {"identifier": uid_identifier(series_uid), "display": "Series that the model saw"}
    moment = instant_of(analysis.started)
    return Provenance.model_validate(
        {
            "id": analysis.uid("FHIR", "Provenance"),
            "extension": [{"url": PROVENANCE_PATIENT, "valueReference": refer.subject(analysis)}],
            "target": [{"reference": f"{t.get_resource_type()}/{t.id}"} for t in targets],
            "occurredDateTime": moment,
            "recorded": moment,
            "reason": [{"coding": [AI_ASSERTED]}],
            "agent": [
                {
                    "type": coded(
                        "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                        "performer",
                        "Performer",
                    ),
                    "role": [AI_DEVICE],
                    "who": refer.device(analysis),
                }
            ],
            "entity": [
                {"role": "source", "what": refer.imaging_study(analysis)},
                {"role": "source", "what": series},
                *_revised(analysis),
            ],
        }
    )


def _revised(analysis: Analysis) -> list[Element]:
    """The report that this one is a revision of, FHIR R4 provenance-entity-role."""
    if not analysis.replaces:
        return []
    what = {"reference": f"DiagnosticReport/{analysis.replaces}"}
    return [{"role": "revision", "what": what}]
