"""Outside judges of FHIR R4: the 4.0.1 JSON Schema, and the invariants of its definitions.

`python tools/fetch_fhir_schema.py` fetches both into .cache/fhir; tests skip where they are not.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models
from jsonschema import Draft6Validator

DEFINITIONS = Path(__file__).resolve().parents[1] / ".cache" / "fhir"

# What fhirpathpy does not know: two functions, and value[x] of an extension on its own (ext-1)
_UNKNOWN_FUNCTIONS = ("hasValue()", "htmlChecks()")


def definitions(name: str) -> Any:
    """One file of HL7's R4 definitions; skips the test where they were not fetched."""
    path = DEFINITIONS / name
    if not path.exists():
        pytest.skip(f"{name} is not in .cache/fhir; fetch it by tools/fetch_fhir_schema.py")
    return _read(path)


def schema_errors(resource: dict[str, Any]) -> list[str]:
    """What the R4 JSON Schema objects to in a resource; [] when it is valid."""
    validator = _validator(resource["resourceType"])
    return [
        f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(resource)
    ]


def broken_invariants(resource: dict[str, Any]) -> list[str]:
    """The keys of the invariants (severity error) that a resource breaks, with their element."""
    return [
        f"{key} at {path}"
        for path, key, expression in _invariants(resource["resourceType"])
        for element in _elements(resource, path)
        if fhirpathpy.evaluate(element, expression, {"resource": resource}, models["r4"]) == [False]
    ]


def _elements(resource: dict[str, Any], path: str) -> list[Any]:
    """The complex elements at a path such as Observation.component."""
    found: list[Any] = [resource]
    for name in path.split(".")[1:]:
        values = [item.get(name) for item in found if isinstance(item, dict)]
        found = [v for value in values for v in (value if isinstance(value, list) else [value])]
    return [item for item in found if isinstance(item, dict)]


@lru_cache
def _validator(resource_type: str) -> Draft6Validator:
    schema = definitions("fhir.schema.json")
    reference = {"$ref": f"#/definitions/{resource_type}"}
    return Draft6Validator({"definitions": schema["definitions"], **reference})


@lru_cache
def _invariants(resource_type: str) -> list[tuple[str, str, str]]:
    """(element path, key, FHIRPath) of every error-level constraint of a resource type."""
    entries = definitions("profiles-resources.json")["entry"]
    (profile,) = (
        e["resource"]
        for e in entries
        if e["resource"]["resourceType"] == "StructureDefinition"
        and e["resource"]["id"] == resource_type
    )
    return [
        (element["path"], constraint["key"], constraint["expression"])
        for element in profile["snapshot"]["element"]
        for constraint in element.get("constraint", ())
        if constraint["severity"] == "error" and _can_be_evaluated(constraint)
    ]


def _can_be_evaluated(constraint: dict[str, str]) -> bool:
    expression = constraint["expression"]
    return constraint["key"] != "ext-1" and not any(f in expression for f in _UNKNOWN_FUNCTIONS)


@lru_cache
def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
