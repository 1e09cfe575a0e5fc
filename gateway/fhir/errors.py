"""What the FHIR server refuses, told as OperationOutcome (FHIR R4, http.html 3.1.0.1.5).

Messages never repeat a value of a query, since it may name a patient.
"""

import json

from fastapi import Request, Response

from gateway.errors import GatewayError

CONTENT_TYPE = "application/fhir+json; fhirVersion=4.0"

# Issue types (http://hl7.org/fhir/issue-type) of what is raised elsewhere, by its status
_ISSUE_TYPES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    413: "too-long",
    415: "not-supported",
    422: "invalid",
    429: "throttled",
    500: "exception",
    503: "transient",
}


class FhirError(GatewayError):
    """A FHIR interaction that cannot be answered as it stands. `code` is its issue type."""

    status = 400
    code = "invalid"
    allow = ""


class UnknownType(FhirError):
    status, code = 404, "not-supported"

    def __init__(self, resource_type: str, known: tuple[str, ...]) -> None:
        self.resource_type = resource_type
        super().__init__(
            f"resource type {resource_type[:64]!r} is not served here; "
            f"expected one of {', '.join(known)}"
        )


class UnknownResource(FhirError):
    status, code = 404, "not-found"

    def __init__(self, resource_type: str) -> None:
        self.resource_type = resource_type
        super().__init__(f"no {resource_type} with this id is known here; search for it instead")


class BadValue(FhirError):
    """A search parameter whose value or modifier cannot be understood."""

    def __init__(self, parameter: str, expected: str) -> None:
        self.parameter = parameter
        super().__init__(f"search parameter {parameter[:64]!r}: expected {expected}")


class UnknownParameter(FhirError):
    """Only raised when the client asked for it by Prefer: handling=strict."""

    code = "not-supported"

    def __init__(self, parameter: str, known: tuple[str, ...]) -> None:
        self.parameter = parameter
        super().__init__(
            f"search parameter {parameter[:64]!r} is not supported; known: {', '.join(known)}"
        )


class MethodNotAllowed(FhirError):
    status, code = 405, "not-supported"

    def __init__(self, method: str, allow: str) -> None:
        self.allow = allow
        super().__init__(
            f"{method} is not offered here, as only the gateway writes resources; expected {allow}"
        )


class FormatNotAcceptable(FhirError):
    status, code = 406, "not-supported"

    def __init__(self) -> None:
        super().__init__(
            "none of the formats asked for can be given; expected application/fhir+json "
            "(FHIR version 4.0) in Accept or _format"
        )


class FormExpected(FhirError):
    status, code = 415, "not-supported"

    def __init__(self) -> None:
        super().__init__("_search by POST expects Content-Type application/x-www-form-urlencoded")


class FormTooLarge(FhirError):
    status, code = 413, "too-long"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"a search by POST may have {limit} bytes; ask for less at a time")


def fhir_error_handler(_request: Request, error: Exception) -> Response:
    """A FhirError as OperationOutcome; gateway/problems.py tells what else goes wrong."""
    assert isinstance(error, FhirError)  # noqa: S101 (registered for this class)
    headers = {"Allow": error.allow} if error.allow else {}
    return operation_outcome(error.status, str(error), headers, error.code)


def operation_outcome(
    status: int, diagnostics: str, headers: dict[str, str] | None = None, code: str = ""
) -> Response:
    """An OperationOutcome with one error. code: issue type, by default what the status says."""
    code = code or _ISSUE_TYPES.get(status, "processing")
    issue = {"severity": "error", "code": code, "diagnostics": diagnostics}
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
    return Response(body, status, headers, CONTENT_TYPE)
