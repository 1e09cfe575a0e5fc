"""QIDO-RS: the six search resources (PS3.18 10.6.1)."""

import json

from fastapi import APIRouter, Request, Response

from gateway.public_url import public_root
from gateway.search.attributes import Level
from gateway.search.index import run
from gateway.search.parameters import parse_search
from gateway.web_errors import NotAcceptable
from standards.media_types import first_covered, parse_accept

router = APIRouter(prefix="/dicom-web", tags=["DICOMweb search"])

OFFERED = ("application/dicom+json", "application/json")


@router.get("/studies")
def search_studies(request: Request) -> Response:
    return _search(request, Level.STUDY)


@router.get("/series")
def search_series(request: Request) -> Response:
    return _search(request, Level.SERIES)


@router.get("/instances")
def search_instances(request: Request) -> Response:
    return _search(request, Level.INSTANCE)


@router.get("/studies/{study}/series")
def search_series_of_study(request: Request, study: str) -> Response:
    return _search(request, Level.SERIES, StudyInstanceUID=study)


@router.get("/studies/{study}/instances")
def search_instances_of_study(request: Request, study: str) -> Response:
    return _search(request, Level.INSTANCE, StudyInstanceUID=study)


@router.get("/studies/{study}/series/{series}/instances")
def search_instances_of_series(request: Request, study: str, series: str) -> Response:
    return _search(request, Level.INSTANCE, StudyInstanceUID=study, SeriesInstanceUID=series)


def _search(request: Request, level: Level, **path: str) -> Response:
    accept = request.query_params.get("accept") or request.headers.get("accept", "")
    media_type = first_covered(parse_accept(accept), OFFERED)
    if media_type is None:
        raise NotAcceptable("search results", ", ".join(OFFERED))
    services = request.app.state.services
    root = public_root(request, services.settings)
    search = parse_search(level, path, request.query_params.multi_items())
    found = run(search, services.database, root)
    body = json.dumps(found.results, ensure_ascii=False, separators=(",", ":")).encode()
    response = Response(body, media_type=media_type)
    warnings = list(search.warnings)
    if found.remaining:
        warnings.append(f"There are {found.remaining} additional results that can be requested")
    for warning in warnings:
        response.headers.append("Warning", f"299 {root}/dicom-web: {warning}")
    return response
