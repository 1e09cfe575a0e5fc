"""What viewers ask for again and again, answered on the event loop itself.

A frame or a whole instance that is at hand costs a tenth of the work of a request that passes the
router and a thread. Every request still looks up its row, so that what was deleted, replaced, or is
another patient's is never given from a copy. Whatever is not at hand, or not as it is stored, takes
the usual way.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.conditional import validators
from gateway.head import is_head
from gateway.public_url import public_root
from gateway.retrieve.answers import Answer
from gateway.retrieve.codecs import encodable
from gateway.retrieve.forms import Form, frame_form, instance_form
from gateway.retrieve.hold import Held
from gateway.retrieve.located import Located
from gateway.retrieve.request import retrieval, scope_of
from gateway.web_errors import DicomWebError
from standards.dicomweb import MultipartWriter
from standards.elements import Buffer
from standards.frames import Span
from standards.media_types import MediaType, parse_accept

_PATH = re.compile(
    r"/dicom-web/studies/(?P<study>[^/]+)/series/(?P<series>[^/]+)"
    r"/instances/(?P<instance>[^/]+)(?:/frames/(?P<frames>[0-9]{1,9}))?"
)
_CONDITIONS = frozenset((b"if-none-match", b"if-modified-since", b"range"))
_LONGEST_ACCEPT = 1000  # characters of a header that is worth remembering
Pieces = Sequence[Buffer | memoryview]


class AtHandMiddleware:
    """To be added before what signs in and what sets headers, so that both have their say."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            found = _PATH.fullmatch(scope["path"])
            if found and not scope["query_string"]:
                named = {"path_params": found.groupdict()}  # as the router would say it
                given = await _given(Request({**scope, **named}), **found.groupdict())
                if given is not None:
                    await _send(send, *given)
                    return
        await self.app(scope, receive, send)


async def _given(
    request: Request, study: str, series: str, instance: str, frames: str | None
) -> tuple[dict[str, str], Pieces] | None:
    """Headers and body, when they are there without waiting."""
    house = retrieval(request)
    accepted = _accepted(request)
    if accepted is None:
        return None
    located = await house.quick_rows.find(scope_of(request, study, series, instance))
    held = None if located is None else house.hold.at_hand(located)
    if located is None or held is None:
        return None
    try:
        found = _frame(held, int(frames), accepted) if frames else _file(held, located, accepted)
    except DicomWebError:  # told on the usual way
        return None
    if found is None:
        return None
    house.neighbours.asked_for(located, was_there=True)
    url = "" if frames else located.url(public_root(request, request.app.state.services.settings))
    return _enveloped(request, located, url, *found)


def _accepted(request: Request) -> Sequence[MediaType] | None:
    """None where the answer depends on more than what is asked for."""
    if is_head(request) or any(name in _CONDITIONS for name, _ in request.scope["headers"]):
        return None
    header = request.headers.get("accept", "")
    return _parsed(header) if len(header) <= _LONGEST_ACCEPT else None


@lru_cache(maxsize=256)
def _parsed(accept: str) -> Sequence[MediaType]:
    return parse_accept(accept)


def _frame(held: Held, number: int, accepted: Sequence[MediaType]) -> tuple[Form, Pieces] | None:
    pixels = held.pixels
    if pixels is None or pixels.is_film or not 1 <= number <= pixels.number_of_frames:
        return None
    possible = encodable(pixels.dataset, pixels.keyword)
    form = frame_form(accepted, pixels.frame_syntax, single_part=True, encodable=possible)
    spans = pixels.lies_at(number) if form is not None and form.stored else None
    return None if form is None or spans is None else _with_pieces(form, held, spans)


def _file(
    held: Held, located: Located, accepted: Sequence[MediaType]
) -> tuple[Form, Pieces] | None:
    form = instance_form(accepted, located.transfer_syntax_uid, single_part=True)
    if form is None or not form.stored or not isinstance(held.content, bytes):
        return None
    return form, [held.content]


def _with_pieces(form: Form, held: Held, spans: Sequence[Span]) -> tuple[Form, Pieces] | None:
    pieces = [piece for span in spans if (piece := held.at_once(span)) is not None]
    return (form, pieces) if len(pieces) == len(spans) else None


def _enveloped(
    request: Request, located: Located, url: str, form: Form, pieces: Pieces
) -> tuple[dict[str, str], Pieces]:
    content_type = form.content_type
    if form.multipart:
        writer = MultipartWriter(form.media_type, None if url else form.transfer_syntax_uid)
        before, after = writer.around(content_type, url)
        pieces = [before, *pieces, after]
        content_type = writer.content_type
    headers = {
        "Content-Type": content_type,
        "Content-Length": str(sum(map(len, pieces))),
        **validators(request, Answer(content_type, b"", [located])),
    }
    if url and not form.multipart:
        headers["Accept-Ranges"] = "bytes"
    return headers, pieces


async def _send(send: Send, headers: dict[str, str], pieces: Pieces) -> None:
    raw = [
        (name.lower().encode("latin-1"), told.encode("latin-1")) for name, told in headers.items()
    ]
    await send({"type": "http.response.start", "status": 200, "headers": raw})
    *others, last = pieces
    for piece in others:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": last, "more_body": False})
