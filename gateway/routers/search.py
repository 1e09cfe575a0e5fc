"""QIDO-RS: the six search resources (PS3.18 10.6.1)."""

from fastapi import APIRouter, Request, Response

from gateway.access import access_of
from gateway.data_set_forms import wanted_form, written
from gateway.public_url import public_root
from gateway.search.attributes import Level
from gateway.search.parameters import parse_search
from gateway.search.query_string import pairs
from gateway.search.run import run

router = APIRouter(prefix="/dicom-web", tags=["DICOMweb search"])


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
    query = pairs(request.scope["query_string"])
    form = wanted_form(request, "search results")
    services = request.app.state.services
    settings = services.settings
    root = public_root(request, settings)
    search = parse_search(level, path, query, access_of(request).patient_id)
    found = run(search, services.database, root, settings.search_seconds)
    if not found.results and settings.empty_search == "204":
        response = Response(status_code=204)
    else:
        response = written(found.results, form)
    if found.remaining:
        response.headers["Warning"] = found.warning(root)
    return response
