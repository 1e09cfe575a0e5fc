"""The form of the answer to a store request, by Accept (PS3.18 10.5.3, Annex I)."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.web_errors import NotAcceptable
from standards.dicom_json import dumps
from standards.dicom_xml import native_parts, native_xml
from standards.dicomweb import MultipartWriter
from standards.media_types import parse_accept

JSON, XML, PLAIN_JSON = "application/dicom+json", "application/dicom+xml", "application/json"

AnswerForm = Callable[[Mapping[str, Any]], tuple[str, bytes]]  # Content-Type and content


def answer_form(accept: str) -> AnswerForm:
    """How the response module is written for whoever sent this Accept header.

    XML comes as one document, or as the only part of a multipart where that is asked for.
    Raises NotAcceptable.
    """
    for media_type in parse_accept(accept):
        if media_type.is_multipart:
            if media_type.covers(XML):
                return _multipart
            continue
        for name in (JSON, XML, PLAIN_JSON):
            if media_type.covers(name):
                return _document if name == XML else _json_as(name)
    raise NotAcceptable("the answer to a store request", f"{JSON}, {XML}")


def _json_as(content_type: str) -> AnswerForm:
    return lambda response: (content_type, dumps(response))


def _document(response: Mapping[str, Any]) -> tuple[str, bytes]:
    return XML, native_xml(response)


def _multipart(response: Mapping[str, Any]) -> tuple[str, bytes]:
    writer = MultipartWriter(XML)
    return writer.content_type, b"".join(writer.body(native_parts([response])))
