"""WADO-RS metadata: the headers of a study, series or instance (PS3.18 10.4.1.1.2)."""

from fastapi import APIRouter, Request, Response

from gateway.conditional import ConditionalRoute, answered
from gateway.public_url import public_root
from gateway.retrieve.located import Scope
from gateway.retrieve.metadata import metadata
from gateway.retrieve.request import INSTANCE, SERIES, STUDY, accepted, scope_of

router = APIRouter(prefix="/dicom-web", tags=["DICOMweb retrieve"], route_class=ConditionalRoute)


@router.get(STUDY + "/metadata")
def study_metadata(request: Request, study: str) -> Response:
    return _metadata(request, scope_of(request, study))


@router.get(SERIES + "/metadata")
def series_metadata(request: Request, study: str, series: str) -> Response:
    return _metadata(request, scope_of(request, study, series))


@router.get(INSTANCE + "/metadata")
def instance_metadata(request: Request, study: str, series: str, instance: str) -> Response:
    return _metadata(request, scope_of(request, study, series, instance))


def _metadata(request: Request, scope: Scope) -> Response:
    services = request.app.state.services
    root = public_root(request, services.settings)
    return answered(request, metadata(services.database, scope, accepted(request), root))
