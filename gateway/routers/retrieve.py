"""WADO-RS: instances, frames and bulk data (PS3.18 10.4)."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Request, Response

from gateway.conditional import ConditionalRoute, answered
from gateway.public_url import public_root
from gateway.retrieve.answers import Answer
from gateway.retrieve.bulk import all_bulk_data, bulk_data, pixel_data
from gateway.retrieve.forms import asks_for_bulk_data
from gateway.retrieve.frames import frames as frames_of
from gateway.retrieve.instances import instances
from gateway.retrieve.located import Scope
from gateway.retrieve.request import (
    FRAMES,
    INSTANCE,
    SERIES,
    STUDY,
    accepted,
    retrieval,
    scope_of,
)
from gateway.retrieve.retrieval import Retrieval
from standards.media_types import MediaType

router = APIRouter(prefix="/dicom-web", tags=["DICOMweb retrieve"], route_class=ConditionalRoute)

Resource = Callable[[Retrieval, Scope, Sequence[MediaType], str], Answer]


@router.get(STUDY)
def retrieve_study(request: Request, study: str) -> Response:
    return _instances(request, scope_of(request, study))


@router.get(SERIES)
def retrieve_series(request: Request, study: str, series: str) -> Response:
    return _instances(request, scope_of(request, study, series))


@router.get(INSTANCE)
def retrieve_instance(request: Request, study: str, series: str, instance: str) -> Response:
    return _instances(request, scope_of(request, study, series, instance))


@router.get(FRAMES)
def retrieve_frames(
    request: Request, study: str, series: str, instance: str, frames: str
) -> Response:
    scope = scope_of(request, study, series, instance)
    answer = frames_of(retrieval(request), scope, frames, accepted(request))
    return answered(request, answer)


@router.get(STUDY + "/bulkdata")
def study_bulk_data(request: Request, study: str) -> Response:
    return _given(request, all_bulk_data, scope_of(request, study))


@router.get(SERIES + "/bulkdata")
def series_bulk_data(request: Request, study: str, series: str) -> Response:
    return _given(request, all_bulk_data, scope_of(request, study, series))


@router.get(INSTANCE + "/bulkdata")
def instance_bulk_data(request: Request, study: str, series: str, instance: str) -> Response:
    return _given(request, all_bulk_data, scope_of(request, study, series, instance))


@router.get(STUDY + "/pixeldata")
def study_pixel_data(request: Request, study: str) -> Response:
    return _given(request, pixel_data, scope_of(request, study))


@router.get(SERIES + "/pixeldata")
def series_pixel_data(request: Request, study: str, series: str) -> Response:
    return _given(request, pixel_data, scope_of(request, study, series))


@router.get(INSTANCE + "/pixeldata")
def instance_pixel_data(request: Request, study: str, series: str, instance: str) -> Response:
    return _given(request, pixel_data, scope_of(request, study, series, instance))


@router.get(INSTANCE + "/bulkdata/{path:path}")
def retrieve_bulk_data(
    request: Request, study: str, series: str, instance: str, path: str
) -> Response:
    scope = scope_of(request, study, series, instance)
    root = public_root(request, request.app.state.services.settings)
    return answered(request, bulk_data(retrieval(request), scope, path, accepted(request), root))


def _instances(request: Request, scope: Scope) -> Response:
    """Part 10 files, or what application/octet-stream once asked for here: all bulk data."""
    wanted = accepted(request)
    resource = all_bulk_data if asks_for_bulk_data(wanted) else instances
    return _given(request, resource, scope)


def _given(request: Request, resource: Resource, scope: Scope) -> Response:
    root = public_root(request, request.app.state.services.settings)
    return answered(request, resource(retrieval(request), scope, accepted(request), root))
