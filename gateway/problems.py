"""Errors as RFC 9457 problem details: the one place that knows which class becomes which status."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException

from adapters.errors import ArchiveUnavailable, ArtefactsUnavailable, NotInArchive
from gateway.errors import GatewayError
from gateway.fhir.errors import FhirError, fhir_error_handler, operation_outcome
from gateway.public_url import public_root
from gateway.validation import faults
from gateway.web_errors import DicomWebError
from standards.errors import (
    LimitExceeded,
    MalformedMultipart,
    NotDicom,
    StandardsError,
    WorkitemRefused,
)

log = logging.getLogger(__name__)

RETRY_SECONDS = "5"

# The nearest class decides. Classes with a `status`, or `headers`, of their own use those.
STATUS_OF: dict[type[Exception], int] = {
    ArchiveUnavailable: 503,
    ArtefactsUnavailable: 503,
    NotInArchive: 404,
    OperationalError: 503,  # the database is away, locked or full
    DataError: 400,  # what came in a path or query can be no value of any column
    LimitExceeded: 413,
    MalformedMultipart: 400,
    NotDicom: 400,
    StandardsError: 400,
}


def add_handlers(app: FastAPI) -> None:
    for kind in STATUS_OF:
        app.add_exception_handler(kind, _known)
    for kind in (GatewayError, DicomWebError):
        app.add_exception_handler(kind, _known)
    app.add_exception_handler(FhirError, fhir_error_handler)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return JSONResponse(
        body | {"detail": detail}, status, headers, media_type="application/problem+json"
    )


def _told(
    request: Request, status: int, detail: str, headers: dict[str, str] | None = None
) -> Response:
    """A problem document; below /fhir/ an OperationOutcome, as FHIR R4 3.1.0.1.5 asks."""
    tell = operation_outcome if request.url.path.startswith("/fhir/") else problem
    return tell(status, detail, headers)


async def _known(request: Request, error: Exception) -> Response:
    status = getattr(error, "status", None) or next(
        STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF
    )
    if isinstance(error, OperationalError):
        log.error("database failed", extra={"error": str(error.orig)})
        detail = f"the database cannot be used now: {error.orig}; see `airgate doctor`"
    elif isinstance(error, DataError):
        detail = "the request holds a value that no database takes, such as a zero byte"
    else:
        detail = str(error)
    headers = dict(getattr(error, "headers", {}))
    if isinstance(error, WorkitemRefused):
        root = public_root(request, request.app.state.services.settings)
        headers["Warning"] = f"299 {root}/dicom-web: {error.warning}"
    if status == 503:
        headers["Retry-After"] = RETRY_SECONDS
    return _told(request, status, detail, headers)


async def _invalid(request: Request, error: Exception) -> Response:
    """A body that does not fit its schema; the values stay out, they may be a patient's."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this class)
    return _told(request, 422, "; ".join(faults(error.errors())))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    return _told(request, error.status_code, str(error.detail), dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> Response:
    """Logged with its traceback; the client learns only that it was not its fault."""
    log.error("unexpected error", exc_info=error, extra={"route": request.scope.get("route")})
    return _told(request, 500, "an unexpected error; it is in the server's log")
