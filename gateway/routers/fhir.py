"""FHIR R4 over HTTP: metadata, read and search (http.html). Results are written by the gateway."""

import json
from email.utils import formatdate
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response

from gateway.fhir.capability import capability_statement
from gateway.fhir.errors import (
    CONTENT_TYPE,
    FormatNotAcceptable,
    FormExpected,
    FormTooLarge,
    MethodNotAllowed,
    UnknownType,
)
from gateway.fhir.parameters import PARAMETERS, RESOURCE_TYPES
from gateway.fhir.repository import read
from gateway.fhir.search import Pairs, parse, search
from gateway.public_url import public_root
from gateway.store.database import Database
from standards.media_types import MediaType, parse_accept

PREFIX = "/fhir/r4"
_FORMATS = ("application/fhir+json", "application/json")
_MAXIMUM_FORM = 256 * 1024
_FORM = "application/x-www-form-urlencoded"


def json_wanted(request: Request) -> None:
    """Raises FormatNotAcceptable unless JSON of FHIR 4.0 will do. _format wins over Accept."""
    asked = request.query_params.get("_format")
    if asked is not None:
        asked = asked.replace(" ", "+")  # an unescaped + arrives as a space
        accepted = parse_accept("application/json" if asked == "json" else asked)
    else:
        accepted = parse_accept(request.headers.get("accept", ""))
    if not any(_can_be_given(media_type) for media_type in accepted):
        raise FormatNotAcceptable


def _can_be_given(media_type: MediaType) -> bool:
    version = media_type.parameters.get("fhirversion", "4.0")
    return version in ("4.0", "4.0.1") and any(media_type.covers(name) for name in _FORMATS)


async def form(request: Request) -> Pairs:
    """The parameters of a search by POST. Raises FormExpected, FormTooLarge."""
    content_type = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
    if content_type != _FORM:
        raise FormExpected
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAXIMUM_FORM:
            raise FormTooLarge(_MAXIMUM_FORM)
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)


router = APIRouter(prefix=PREFIX, tags=["FHIR R4"], dependencies=[Depends(json_wanted)])


@router.get("/metadata")
def metadata(request: Request) -> Response:
    """What this server can do: its CapabilityStatement."""
    statement = capability_statement(_base(request))
    return Response(statement.model_dump_json(exclude_none=True), media_type=CONTENT_TYPE)


@router.get("/{resource_type}")
def search_type(request: Request, resource_type: str) -> Response:
    """Search one resource type; the CapabilityStatement lists the parameters."""
    return _search(request, resource_type, request.query_params.multi_items())


@router.post("/{resource_type}/_search")
def search_by_post(
    request: Request, resource_type: str, sent: Annotated[Pairs, Depends(form)]
) -> Response:
    """The same search, with its parameters in the body, so that they stay out of logs."""
    return _search(request, resource_type, [*request.query_params.multi_items(), *sent])


@router.get("/{resource_type}/{resource_id}")
def read_resource(request: Request, resource_type: str, resource_id: str) -> Response:
    """The current version of one resource; 304 when the client has it (If-None-Match)."""
    _check_type(resource_type)
    with _database(request).read() as session:
        row = read(session, resource_type, resource_id)
    tag = f'W/"{row.version}"'
    headers = {"ETag": tag, "Last-Modified": formatdate(row.last_updated, usegmt=True)}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(row.body, headers=headers, media_type=CONTENT_TYPE)


@router.api_route(
    "{path:path}",
    methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    include_in_schema=False,
)
def refuse(request: Request, path: str) -> None:
    """Whatever else is asked below /fhir/r4: 404 for what is not there, 405 for the method."""
    resource_type, *rest = path.strip("/").split("/")
    if resource_type != "metadata":
        _check_type(resource_type)
    allow = "POST" if rest == ["_search"] else "GET"
    raise MethodNotAllowed(request.method, allow)


def _search(request: Request, resource_type: str, pairs: Pairs) -> Response:
    _check_type(resource_type)
    base = _base(request)
    strict = "handling=strict" in request.headers.get("prefer", "").replace(" ", "")
    query = parse(resource_type, pairs, base, strict=strict)
    with _database(request).read() as session:
        bundle = search(session, query, base)
    return _json(bundle)


def _json(resource: dict[str, Any]) -> Response:
    text = json.dumps(resource, ensure_ascii=False, separators=(",", ":"))
    return Response(text, media_type=CONTENT_TYPE)


def _check_type(resource_type: str) -> None:
    if resource_type not in PARAMETERS:
        raise UnknownType(resource_type, RESOURCE_TYPES)


def _base(request: Request) -> str:
    return public_root(request, request.app.state.services.settings) + PREFIX


def _database(request: Request) -> Database:
    return request.app.state.services.database
