"""Code systems, security label and the coded values that FHIR resources need beside DICOM's."""

from typing import Any

from pydicom.sr.coding import Code

from standards.uids import derived_uid

Element = dict[str, Any]

# FHIR names of DICOM's coding schemes, PS3.16 Table 8-1
SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "LN": "http://loinc.org",
    "UCUM": "http://unitsofmeasure.org",
    "RADLEX": "http://radlex.org",
    "UMLS": "http://terminology.hl7.org/CodeSystem/umls",
}

DICOM_UID = "urn:dicom:uid"  # system of identifiers that are DICOM UIDs, value urn:oid:<uid>
RFC_3986 = "urn:ietf:rfc:3986"

AI_ASSERTED: Element = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "AIAST",
    "display": "Artificial Intelligence asserted",
}

# AI Transparency on FHIR (hl7.fhir.uv.aitransparency)
_AI_TRANSPARENCY = "http://hl7.org/fhir/uv/aitransparency"
AI_KIND = f"{_AI_TRANSPARENCY}/StructureDefinition/aitransparency.AIKind"
AI_DEVICE_TYPES = f"{_AI_TRANSPARENCY}/CodeSystem/AIdeviceTypeCS"

MEASUREMENT_GROUP = Code("125007", "DCM", "Measurement Group")
IMAGING_MEASUREMENTS = Code("126010", "DCM", "Imaging Measurements")
ABSENT = Code("2667000", "SCT", "Absent")
DIAGNOSTIC_IMAGING_STUDY_REPORT = Code("18748-4", "LN", "Diagnostic imaging study")


def system_of(scheme: str) -> str:
    """The URI of a coding scheme; a private scheme gets an OID of its own, always the same."""
    return SYSTEMS.get(scheme) or f"urn:oid:{derived_uid('coding scheme', scheme)}"


def coding(system: str, code: str, display: str = "") -> Element:
    return {"system": system, "code": code} | ({"display": display} if display else {})


def coded(system: str, code: str, display: str = "") -> Element:
    """A CodeableConcept of one coding in a system that FHIR names."""
    return {"coding": [coding(system, code, display)]}


def codeable(code: Code, text: str = "") -> Element:
    """A CodeableConcept of one DICOM code; the text defaults to its meaning."""
    concept = coded(system_of(code.scheme_designator), code.value, code.meaning)
    return concept | {"text": text or code.meaning}


def ai_labelled() -> Element:
    """Resource.meta of what a machine asserts (AI Transparency, resource level)."""
    return {"security": [AI_ASSERTED]}


def uid_identifier(uid: str) -> Element:
    """A DICOM UID as Identifier (FHIR R4 ImagingStudy, note on identifiers)."""
    return {"system": DICOM_UID, "value": f"urn:oid:{uid}"}


IMAGING = coded("http://terminology.hl7.org/CodeSystem/observation-category", "imaging", "Imaging")
RADIOLOGY = coded("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "Radiology")
NOT_PERFORMED = coded(
    "http://terminology.hl7.org/CodeSystem/data-absent-reason", "not-performed", "Not Performed"
)
OBSERVATION_UID = coded(
    "http://hl7.org/fhir/uv/dicom-sr/CodeSystem/dicom-identifier-type", "observation-uid"
)
MEDICAL_RECORD_NUMBER = coded("http://terminology.hl7.org/CodeSystem/v2-0203", "MR")
ACCESSION_NUMBER = coded("http://terminology.hl7.org/CodeSystem/v2-0203", "ACSN", "Accession ID")
AI_DEVICE = coded(AI_DEVICE_TYPES, "Artificial-Intelligence", "Artificial Intelligence")
AI_FOR_IMAGING = coded(AI_DEVICE_TYPES, "AI-for-Medical-Imaging-Data")
