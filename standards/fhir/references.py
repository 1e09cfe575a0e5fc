"""How resources name themselves and one another.

Every id is a DICOM UID or derived like one, so a repeat of the same work overwrites itself, and
none holds anything of the patient. References carry the identifier too, so that an EHR with its
own ImagingStudy, Patient or ServiceRequest can find the right one (HL7 dicom-sr).
"""

from dataclasses import dataclass

from standards.analysis import Analysis
from standards.fhir import patient
from standards.fhir.concepts import ACCESSION_NUMBER, Element, uid_identifier
from standards.uids import derived_uid


@dataclass(frozen=True, slots=True)
class ResultInstance:
    """One DICOM object that this result was written as."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    series_number: int
    modality: str
    description: str


@dataclass(frozen=True, slots=True)
class References:
    """What the resources point at outside the findings.

    wado_rs_root: public root of DICOMweb, for instance https://airgate.example/dicom-web; a
        client appends /studies/{uid} to it.
    instances: the DICOM objects of the same result.
    accession_number: of the order, where it is known better than from the header.
    """

    wado_rs_root: str
    instances: tuple[ResultInstance, ...] = ()
    accession_number: str = ""


def subject(analysis: Analysis) -> Element:
    """The patient, by id and, where the header has a Patient ID, by identifier."""
    header = analysis.source[0]
    reference: Element = {"reference": f"Patient/{patient.patient_id(header)}", "type": "Patient"}
    identifiers = patient.identifiers(header)
    return reference | ({"identifier": identifiers[0]} if identifiers else {})


def imaging_study(analysis: Analysis) -> Element:
    """The study; its Study Instance UID is the id of its ImagingStudy."""
    uid = analysis.study_instance_uid
    return {
        "reference": f"ImagingStudy/{uid}",
        "type": "ImagingStudy",
        "identifier": uid_identifier(uid),
    }


def device(analysis: Analysis) -> Element:
    """The model; its Device UID (0018,1002) is the id of its Device."""
    algorithm = analysis.algorithm
    return {
        "reference": f"Device/{algorithm.device_uid}",
        "type": "Device",
        "display": f"{algorithm.name} {algorithm.version}",
    }


def orders(analysis: Analysis, references: References) -> list[Element]:
    """The order behind the study, by its accession number; [] when there is none."""
    number = accession_number(analysis, references)
    if not number:
        return []
    return [{"type": "ServiceRequest", "identifier": {"type": ACCESSION_NUMBER, "value": number}}]


def accession_number(analysis: Analysis, references: References) -> str:
    header = analysis.source[0]
    return references.accession_number or str(header.get("AccessionNumber") or "").strip()


def endpoint_id(wado_rs_root: str) -> str:
    return derived_uid("FHIR Endpoint", wado_rs_root)
