"""Conditional and range requests on what is retrieved (RFC 9110 8.8, 13 and 14).

An entity tag is a hash over all that an answer is made from: path, query and Accept header, the
public root that its links carry, the version of this program, and of each stored instance its
content hash and when it came. So the index alone tells whether a client has the answer already,
and nothing is read from the archive for a 304.
"""

import hashlib
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime
from itertools import chain, islice
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from gateway.equipment import VERSION
from gateway.head import is_head
from gateway.problems import problem
from gateway.public_url import public_root
from gateway.ranges import byte_range, cut, slices
from gateway.retrieve.answers import Answer
from gateway.retrieve.located import Located, Stamp, stamps
from gateway.retrieve.request import scope_of
from gateway.streaming import Streamed

_ENTITY_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')


class ConditionalRoute(APIRoute):
    """A route below a study whose answer follows from the request and stored instances alone.

    A tag of If-None-Match that is still the one of this very request is answered 304 before the
    endpoint is called. `*` and If-Modified-Since say less of the request, so it has to be
    answered first: they turn a 200 into 304, and never a refusal (RFC 9110 13.2.1).
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            if "if-none-match" in request.headers:
                unchanged = await run_in_threadpool(_unchanged, request)
                if unchanged is not None:
                    return unchanged
            response = await handle(request)
            if response.status_code == 200 and _is_known(request, response):
                return _head({"ETag": response.headers["etag"]}, 304)
            return response

        return handler


def answered(request: Request, answer: Answer) -> Response:
    """The answer with its validators: whole, the part that Range asks for, or its head alone.

    Only where the answer's length is known beforehand are ranges offered and given.
    """
    headers = {"Content-Type": answer.content_type, **validators(request, answer)}
    if answer.length is not None:
        headers |= {"Accept-Ranges": "bytes", "Content-Length": str(answer.length)}
    elif answer.content_length is not None:
        headers["Content-Length"] = str(answer.content_length)
    if is_head(request):
        return _head(headers)
    wanted = _range(request, answer.length, headers)
    if answer.length is not None and wanted is not None:
        return _part(answer, wanted, answer.length, headers)
    body = begun(answer.body)
    if isinstance(body, bytes):
        return Response(body, headers=headers)
    return Streamed(body, headers=headers)


def validators(request: Request, answer: Answer) -> dict[str, str]:
    """ETag, and Last-Modified below an instance. Empty when nothing stored is named.

    The tag is weak for multipart bodies: their boundary is drawn anew each time. A study or
    series has no Last-Modified, since losing an instance would not move it.
    """
    if not answer.located:
        return {}
    tag = f'"{_tag(request, answer.located)}"'
    headers = {"ETag": f"W/{tag}" if answer.content_type.startswith("multipart/") else tag}
    if "instance" in request.path_params:
        headers["Last-Modified"] = formatdate(answer.located[0].received_at, usegmt=True)
    return headers


def begun(body: Iterable[bytes] | bytes) -> bytes | Iterator[bytes]:
    """The same body with its first pieces already read, so that what fails there has a status.

    A body of one piece is given as bytes.
    """
    if isinstance(body, bytes):
        return body
    pieces = iter(body)
    beginning = list(islice(pieces, 2))  # the head of a part, and the start of its content
    return chain(beginning, pieces) if len(beginning) > 1 else b"".join(beginning)


def _unchanged(request: Request) -> Response | None:
    """304 when the client names the tag that the answer would have."""
    names = {name: request.path_params.get(name) for name in ("study", "series", "instance")}
    scope = scope_of(request, **names)  # type: ignore[arg-type]  (a study is in every path)
    tag = _tag(request, stamps(request.app.state.services.database, scope))
    for weak, named in _ENTITY_TAG.findall(request.headers["if-none-match"]):
        if named == tag:  # given back as it was given out: coded answers have weak tags
            return _head({"ETag": f'{weak}"{named}"'}, 304)
    return None


def _is_known(request: Request, response: Response) -> bool:
    """By `If-None-Match: *`, else by If-Modified-Since where there is a Last-Modified."""
    if "etag" not in response.headers:
        return False
    if "if-none-match" in request.headers:
        return request.headers["if-none-match"].strip() == "*"
    since = _moment(request.headers.get("if-modified-since", ""))
    modified = _moment(response.headers.get("last-modified", ""))
    return since is not None and modified is not None and modified <= since


def _tag(request: Request, stored: Iterable[Located | Stamp]) -> str:
    root = public_root(request, request.app.state.services.settings)
    accept = request.headers.get("accept", "")
    made_from = [VERSION, root, request.url.path, request.url.query, accept]
    made_from += (f"{one.sha256} {one.received_at!r}" for one in stored)
    return hashlib.sha256("\n".join(made_from).encode("utf-8", "replace")).hexdigest()[:32]


def _range(request: Request, length: int | None, headers: dict[str, str]) -> range | None:
    """The range to be given, if one is: If-Range must name exactly this state (13.1.5)."""
    if length is None or "range" not in request.headers:
        return None
    condition = request.headers.get("if-range")
    if condition not in (None, headers.get("ETag"), headers.get("Last-Modified")):
        return None
    return byte_range(request.headers["range"], length)


def _part(answer: Answer, wanted: range, length: int, headers: dict[str, str]) -> Response:
    """206 with the bytes asked for, or 416 when there are none."""
    if not wanted:
        detail = f"there is no such byte; the resource has {length} bytes"
        return problem(416, detail, {"Content-Range": f"bytes */{length}"})
    headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{length}"
    headers["Content-Length"] = str(len(wanted))
    if answer.at_hand is not None:
        body = begun(slices(answer.at_hand(), wanted))
    else:
        pieces = [answer.body] if isinstance(answer.body, bytes) else answer.body
        body = begun(cut(pieces, wanted))
    if isinstance(body, bytes):
        return Response(body, 206, headers)
    return Streamed(body, 206, headers)


def _head(headers: dict[str, str], status: int = 200) -> Response:
    response = Response(status_code=status)
    del response.headers["content-length"]  # of no body; the resource has another one
    response.headers.update(headers)
    return response


def _moment(text: str) -> float | None:
    """Seconds since the epoch of an HTTP date."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else moment.replace(tzinfo=UTC).timestamp()
