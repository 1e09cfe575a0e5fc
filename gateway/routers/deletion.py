"""Deleting studies, series and instances; PS3.18 leaves it to the origin server."""

from fastapi import APIRouter, Request, Response

from gateway.access import require_administrator
from gateway.deletion import delete_resource
from gateway.problems import problem
from gateway.retrieve.located import Scope
from gateway.retrieve.request import INSTANCE, SERIES, STUDY, scope_of

router = APIRouter(prefix="/dicom-web", tags=["DICOMweb delete"])


@router.delete(STUDY, status_code=204)
def delete_study(request: Request, study: str) -> Response:
    """Delete a study with all results in it. Administrators only."""
    return _delete(request, scope_of(request, study))


@router.delete(SERIES, status_code=204)
def delete_series(request: Request, study: str, series: str) -> Response:
    return _delete(request, scope_of(request, study, series))


@router.delete(INSTANCE, status_code=204)
def delete_instance(request: Request, study: str, series: str, instance: str) -> Response:
    return _delete(request, scope_of(request, study, series, instance))


def _delete(request: Request, scope: Scope) -> Response:
    access = require_administrator(request, "delete studies")
    if delete_resource(request.app.state.services, scope, access.name):
        return Response(status_code=204)
    return problem(202, "deleted; its bytes leave the archive as soon as that lets them go")
