"""The Patient module of a DICOM header as FHIR Patient."""

import re

from fhir.resources.R4B.patient import Patient
from pydicom import Dataset

from standards.fhir.concepts import MEDICAL_RECORD_NUMBER, Element
from standards.fhir.times import date_of
from standards.uids import derived_uid, is_uid

_GENDERS = {"M": "male", "F": "female", "O": "other"}  # PS3.3 C.7.1.1, Patient's Sex
_REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)


def patient(header: Dataset) -> Patient:
    """Who the study is of, as the header says it; what it leaves empty is left out."""
    sex = str(header.get("PatientSex") or "").strip().upper()
    return Patient.model_validate(
        {
            "id": patient_id(header),
            "identifier": identifiers(header) or None,
            "name": _names(header) or None,
            "gender": _GENDERS.get(sex, "unknown") if sex else None,
            "birthDate": date_of(header.get("PatientBirthDate")),
        }
    )


def patient_id(header: Dataset) -> str:
    """The id of the Patient: derived from issuer and Patient ID, and holding neither.

    Without a Patient ID it is derived from the study, since two unknown patients are not one.
    """
    number = _text(header, "PatientID")
    if not number:
        return derived_uid("FHIR Patient of study", str(header.StudyInstanceUID))
    return derived_uid("FHIR Patient", _issuer(header), number)


def identifiers(header: Dataset) -> list[Element]:
    """Patient ID with its issuer, or [] where the header has none.

    An issuer that is no URI or OID gets an OID of its own, so that the same number of two
    hospitals stays two.
    """
    number, issuer = _text(header, "PatientID"), _issuer(header)
    if not number:
        return []
    identifier: Element = {"type": MEDICAL_RECORD_NUMBER, "value": number}
    if issuer:
        identifier |= {"system": _system(issuer), "assigner": {"display": issuer}}
    return [identifier]


def _issuer(header: Dataset) -> str:
    """Universal Entity ID (0040,0032) of the issuer, else Issuer of Patient ID (0010,0021)."""
    for item in header.get("IssuerOfPatientIDQualifiersSequence") or ():
        if universal := _text(item, "UniversalEntityID"):
            return universal
    return _text(header, "IssuerOfPatientID")


def _system(issuer: str) -> str:
    if is_uid(issuer) and "." in issuer:
        return f"urn:oid:{issuer}"
    if _URI.fullmatch(issuer):
        return issuer
    return f"urn:oid:{derived_uid('issuer of patient id', issuer)}"


def _names(header: Dataset) -> list[Element]:
    """One HumanName per way of writing: alphabetic, ideographic, phonetic (PS3.5 6.2.1)."""
    groups = str(header.get("PatientName") or "").split("=")
    written = zip(("ABC", "IDE", "SYL"), groups, strict=False)
    return [_name(way, text) for way, text in written if text.strip("^ ")]


def _name(representation: str, text: str) -> Element:
    parts = [part.strip() for part in text.split("^")] + [""] * 5
    family, first, middle, prefix, suffix = parts[:5]
    given = f"{first} {middle}".split()
    name: Element = {
        "extension": [{"url": _REPRESENTATION, "valueCode": representation}],
        "text": " ".join(part for part in (prefix, first, middle, family, suffix) if part),
        "family": family,
        "given": given,
        "prefix": [prefix] if prefix else [],
        "suffix": [suffix] if suffix else [],
    }
    return {key: value for key, value in name.items() if value}


def _text(header: Dataset, keyword: str) -> str:
    return str(header.get(keyword) or "").strip()
