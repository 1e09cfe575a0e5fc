"""All resources of one answer: a result, or that there is none and why."""

from collections.abc import Sequence
from typing import Any

from fhir.resources.R4B.diagnosticreport import DiagnosticReport
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.resource import Resource

from standards.analysis import Analysis, Result
from standards.fhir import references as refer
from standards.fhir.concepts import (
    DIAGNOSTIC_IMAGING_STUDY_REPORT,
    RADIOLOGY,
    Element,
    ai_labelled,
    codeable,
    uid_identifier,
)
from standards.fhir.device import NOT_VERIFIED, device, provenance
from standards.fhir.evaluations import classifications, regions
from standards.fhir.imaging_study import endpoint, imaging_study
from standards.fhir.observations import observations, refusal
from standards.fhir.patient import patient
from standards.fhir.references import References
from standards.fhir.times import instant_of, study_time

# An extension that HL7 published with R4.
REPLACES = "http://hl7.org/fhir/StructureDefinition/diagnosticReport-replaces"


def resources(result: Result, references: References) -> list[Resource]:
    """A result as FHIR R4: an Observation for each claim, their groups, report, and context.

    Observations and the DiagnosticReport are what the machine asserts: they, and only they,
    carry AIAST in meta.security. Patient, ImagingStudy, Endpoint, Device and Provenance tell
    whom, what and who, and are true whatever the model says.
    """
    analysis = result.analysis
    groups, members = observations(result, references)
    groups += [*classifications(result, references), *regions(result, references)]
    report = _report(
        analysis,
        references,
        status="amended" if analysis.replaces else "preliminary",
        result=_references(groups) or None,
        conclusion=f"{_made_by(analysis)}: {NOT_VERIFIED}{_warnings(result)}",
    )
    return [
        *_context(analysis, references),
        *members,
        *groups,
        *_stated(analysis, report, members, groups),
    ]


def no_result(analysis: Analysis, reason: str, references: References) -> list[Resource]:
    """That an analysis gave no result, as a report of its own: silence is never an answer.

    reason: for people, without anything of the patient. The report has the id that the result
    would have had, so a later result takes its place.
    """
    observation = refusal(analysis, reason, references)
    report = _report(
        analysis,
        references,
        status="cancelled",
        result=_references([observation]),
        conclusion=f"{_made_by(analysis)}: no result. {reason}",
    )
    return [*_context(analysis, references), observation, *_stated(analysis, report, [observation])]


def _context(analysis: Analysis, references: References) -> list[Resource]:
    return [
        patient(analysis.source[0]),
        endpoint(references),
        imaging_study(analysis, references),
        device(analysis.algorithm),
    ]


def _stated(
    analysis: Analysis, report: DiagnosticReport, *asserted: Sequence[Resource]
) -> list[Resource]:
    """The report, and the Provenance of it and of all that it speaks of."""
    targets = [report, *(resource for group in asserted for resource in group)]
    return [report, provenance(analysis, targets)]


def _report(analysis: Analysis, references: References, **elements: Any) -> DiagnosticReport:
    """The DiagnosticReport. Its conclusion says whose word it is, and draws none of its own."""
    uid = analysis.uid("FHIR", "DiagnosticReport")
    common: Element = {
        "id": uid,
        "meta": ai_labelled(),
        "extension": _replaces(analysis),
        "identifier": [uid_identifier(uid)],
        "basedOn": refer.orders(analysis, references) or None,
        "category": [RADIOLOGY],
        "code": codeable(DIAGNOSTIC_IMAGING_STUDY_REPORT),
        "subject": refer.subject(analysis),
        "effectiveDateTime": study_time(analysis.source[0]),
        "issued": instant_of(analysis.started),
        "imagingStudy": [refer.imaging_study(analysis)],
    }
    return DiagnosticReport.model_validate(common | elements)


def _replaces(analysis: Analysis) -> list[Element] | None:
    """R4 has no element that names the report whose place this one takes."""
    if not analysis.replaces:
        return None
    reference = {"reference": f"DiagnosticReport/{analysis.replaces}"}
    return [{"url": REPLACES, "valueReference": reference}]


def _references(observations: Sequence[Observation]) -> list[Element]:
    return [{"reference": f"Observation/{o.id}", "type": "Observation"} for o in observations]


def _warnings(result: Result) -> str:
    return "".join(f" Warning: {one.text}" for one in result.findings.caveats)


def _made_by(analysis: Analysis) -> str:
    return f"AI algorithm {analysis.algorithm.name} {analysis.algorithm.version}"
