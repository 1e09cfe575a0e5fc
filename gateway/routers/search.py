"""QIDO-RS: the six search resources (PS3.18 10.6.1)."""

import json

from fastapi import APIRouter, Request, Response

from gateway.access import access_of
from gateway.public_url import public_root
from gateway.search.attributes import Level
from gateway.search.parameters import parse_search
from gateway.search.query_string import pairs
from gateway.search.run import Found, run
from gateway.web_errors import NotAcceptable
from standards import dicom_xml
from standards.dicomweb import MultipartWriter
from standards.media_types import MediaType, parse_accept

router = APIRouter(prefix="/dicom-web", tags=["DICOMweb search"])

JSON = ("application/dicom+json", "application/json")
OFFERED = (*JSON, f'multipart/related; type="{dicom_xml.MEDIA_TYPE}"')


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
    accept = dict(query).get("accept") or request.headers.get("accept", "")
    form = _form(parse_accept(accept))
    services = request.app.state.services
    settings = services.settings
    root = public_root(request, settings)
    search = parse_search(level, path, query, access_of(request).patient_id)
    found = run(search, services.database, root, settings.search_seconds)
    if not found.results and settings.empty_search == "204":
        response = Response(status_code=204)
    else:
        response = _written(found, form)
    if found.remaining:
        more = "" if found.counted else "more than "
        response.headers["Warning"] = (
            f"299 {root}/dicom-web: There are {more}{found.remaining} additional results "
            "that can be requested"
        )
    return response


def _form(accepted: tuple[MediaType, ...]) -> str:
    """The form that the client wants most (PS3.18 10.6.4). Raises NotAcceptable."""
    for wanted in accepted:
        if wanted.is_multipart and wanted.covers(dicom_xml.MEDIA_TYPE):
            return dicom_xml.MEDIA_TYPE
        if not wanted.is_multipart:
            for name in JSON:
                if wanted.covers(name):
                    return name
    raise NotAcceptable("search results", ", ".join(OFFERED))


def _written(found: Found, form: str) -> Response:
    if form in JSON:
        body = json.dumps(found.results, ensure_ascii=False, separators=(",", ":"))
        return Response(body.encode("utf-8", "replace"), media_type=form)
    writer = MultipartWriter(form)
    parts = b"".join(writer.body(dicom_xml.native_parts(found.results)))
    return Response(parts, media_type=writer.content_type)
