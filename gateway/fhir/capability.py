"""What this FHIR server can do, from the same table that it searches by (FHIR R4, metadata)."""

from collections.abc import Iterable

from fhir.resources.R4B.capabilitystatement import CapabilityStatement

from gateway.equipment import VERSION
from gateway.fhir.parameters import PARAMETERS, Parameter

CHANGED = "2026-11-20"  # when what the statement says last changed


def capability_statement(base: str) -> CapabilityStatement:
    """The CapabilityStatement of this server, whose public address is `base`."""
    return CapabilityStatement.model_validate(
        {
            "name": "AirgateFhirR4",
            "title": "Airgate FHIR R4 server",
            "status": "active",
            "experimental": True,
            "date": CHANGED,
            "kind": "instance",
            "software": {"name": "Airgate", "version": VERSION},
            "implementation": {
                "description": "Results of imaging AI: read and search",
                "url": base,
            },
            "fhirVersion": "4.0.1",
            "format": ["application/fhir+json", "json"],
            "rest": [
                {
                    "mode": "server",
                    "documentation": "Resources are written by the gateway when a model answers.",
                    "security": {"description": "A bearer token in the Authorization header."},
                    "resource": [_resource(t, p.values()) for t, p in PARAMETERS.items()],
                }
            ],
        }
    )


def _resource(resource_type: str, parameters: Iterable[Parameter]) -> dict[str, object]:
    return {
        "type": resource_type,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "versioned",
        "readHistory": False,
        "conditionalRead": "not-match",
        "searchParam": [_parameter(parameter) for parameter in parameters],
    }


def _parameter(parameter: Parameter) -> dict[str, str]:
    return {"name": parameter.name, "type": parameter.kind.value}
