"""Lists of data sets in the form that a client wants: DICOM JSON or XML (PS3.18 8.7.3.2)."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request, Response

from gateway.search.query_string import pairs
from gateway.web_errors import NotAcceptable
from standards import dicom_xml
from standards.dicom_json import dumps
from standards.dicomweb import MultipartWriter
from standards.media_types import parse_accept

JSON = ("application/dicom+json", "application/json")
OFFERED = (*JSON, f'multipart/related; type="{dicom_xml.MEDIA_TYPE}"')


def wanted_form(request: Request, what: str) -> str:
    """The form that the client wants most, by Accept or its query parameter.

    what:  is asked for, in words. Raises NotAcceptable, MalformedQuery.
    """
    query = pairs(request.scope["query_string"])
    accept = dict(query).get("accept") or request.headers.get("accept", "")
    for wanted in parse_accept(accept):
        if wanted.is_multipart and wanted.covers(dicom_xml.MEDIA_TYPE):
            return dicom_xml.MEDIA_TYPE
        if not wanted.is_multipart:
            for name in JSON:
                if wanted.covers(name):
                    return name
    raise NotAcceptable(what, ", ".join(OFFERED))


def written(data_sets: Sequence[Mapping[str, Any]], form: str) -> Response:
    """form:  what wanted_form gave."""
    if form in JSON:
        return Response(dumps(data_sets), media_type=form)
    writer = MultipartWriter(form)
    parts = b"".join(writer.body(dicom_xml.native_parts(data_sets)))
    return Response(parts, media_type=writer.content_type)
