"""The search parameters of each resource type (FHIR R4, names and elements as HL7 defines them).

One table: what is extracted when a resource is kept, what a search understands, and what the
CapabilityStatement promises all follow from it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    TOKEN = "token"  # noqa: S105 (a kind of search parameter)
    REFERENCE = "reference"
    DATE = "date"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter.

    paths: elements that hold its values, dotted, lists passed through. targets: the resource
    types a reference may lead to; others are left out. system: of a `code` element, whose
    system FHIR implies.
    """

    name: str
    kind: Kind
    paths: tuple[str, ...]
    targets: tuple[str, ...] = ()
    system: str = ""


def _token(name: str, *paths: str, system: str = "") -> Parameter:
    return Parameter(name, Kind.TOKEN, paths or (name,), system=system)


def _date(name: str, *paths: str) -> Parameter:
    return Parameter(name, Kind.DATE, paths or (name,))


def _string(name: str, *paths: str) -> Parameter:
    return Parameter(name, Kind.STRING, paths or (name,))


def _reference(name: str, path: str, *targets: str) -> Parameter:
    return Parameter(name, Kind.REFERENCE, (path,), targets)


_FHIR = "http://hl7.org/fhir"

COMMON = (
    _token("_id", "id"),
    _date("_lastUpdated", "meta.lastUpdated"),
    _token("_security", "meta.security"),
)

_OF_TYPE: Mapping[str, tuple[Parameter, ...]] = {
    "Observation": (
        _reference("patient", "subject", "Patient"),
        _reference("subject", "subject", "Patient"),
        _token("identifier"),
        _token("code"),
        _token("status", system=f"{_FHIR}/observation-status"),
        _token("category"),
        _token("method"),
        _token("value-concept", "valueCodeableConcept"),
        _token("data-absent-reason", "dataAbsentReason"),
        _date("date", "effectiveDateTime"),
        _reference("device", "device", "Device"),
        _reference("has-member", "hasMember", "Observation"),
        _reference("derived-from", "derivedFrom", "ImagingStudy"),
        _reference("part-of", "partOf", "ImagingStudy"),
        _reference("based-on", "basedOn", "ServiceRequest"),
    ),
    "DiagnosticReport": (
        _reference("patient", "subject", "Patient"),
        _reference("subject", "subject", "Patient"),
        _token("identifier"),
        _token("code"),
        _token("status", system=f"{_FHIR}/diagnostic-report-status"),
        _token("category"),
        _date("date", "effectiveDateTime"),
        _date("issued"),
        _reference("result", "result", "Observation"),
        _reference("imagingStudy", "imagingStudy", "ImagingStudy"),  # IHE IMR; R4 has none
        _reference("based-on", "basedOn", "ServiceRequest"),
    ),
    "ImagingStudy": (
        _reference("patient", "subject", "Patient"),
        _reference("subject", "subject", "Patient"),
        _token("identifier"),
        _token("status", system=f"{_FHIR}/imagingstudy-status"),
        _date("started"),
        _token("modality", "series.modality"),
        _token("series", "series.uid"),
        _reference("endpoint", "endpoint", "Endpoint"),
        _reference("performer", "series.performer.actor", "Device"),
        _reference("basedon", "basedOn", "ServiceRequest"),
    ),
    "Device": (
        _token("identifier"),
        _token("type"),
        _token("status", system=f"{_FHIR}/device-status"),
        _string("device-name", "deviceName.name", "type.coding.display", "type.text"),
        _string("manufacturer"),
    ),
    "Provenance": (
        _reference("target", "target", "Observation", "DiagnosticReport"),
        _reference("agent", "agent.who", "Device"),
        _reference("entity", "entity.what", "ImagingStudy"),
        _reference("patient", "extension.valueReference", "Patient"),  # R5's, see standards/fhir
        _date("recorded"),
        _date("when", "occurredDateTime"),
    ),
    "Patient": (
        _token("identifier"),
        _string("name"),
        _string("family", "name.family"),
        _string("given", "name.given"),
        _date("birthdate", "birthDate"),
        _token("gender", system=f"{_FHIR}/administrative-gender"),
    ),
    "Endpoint": (
        _token("connection-type", "connectionType"),
        _token("status", system=f"{_FHIR}/endpoint-status"),
        _string("name"),
    ),
}

PARAMETERS: Mapping[str, Mapping[str, Parameter]] = {
    resource_type: {parameter.name: parameter for parameter in (*COMMON, *own)}
    for resource_type, own in _OF_TYPE.items()
}
RESOURCE_TYPES = tuple(PARAMETERS)
RESOURCE_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")  # datatypes.html#id
