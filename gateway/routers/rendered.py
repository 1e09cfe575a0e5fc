"""WADO-RS rendered resources and thumbnails (PS3.18 10.4.1.1.3 and 10.4.1.1.4)."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from gateway.conditional import ConditionalRoute, answered, validators
from gateway.head import is_head
from gateway.public_url import public_root
from gateway.rendering.answers import Given
from gateway.rendering.frame import Limits
from gateway.rendering.negotiation import Wanted
from gateway.rendering.parameters import parse_rendering, parse_thumbnail
from gateway.rendering.renderer import Renderer
from gateway.rendering.thumbnails import ThumbnailCache, Thumbnails
from gateway.retrieve.request import (
    FRAMES,
    INSTANCE,
    SERIES,
    STUDY,
    accepted,
    retrieval,
    scope_of,
)

router = APIRouter(prefix="/dicom-web", tags=["DICOMweb retrieve"], route_class=ConditionalRoute)

AT_ONCE = 4  # pictures being made; those that wait hold no thread that others need


@router.get(STUDY + "/rendered")
async def rendered_study(request: Request, study: str) -> Response:
    return await _rendered(request, study)


@router.get(SERIES + "/rendered")
async def rendered_series(request: Request, study: str, series: str) -> Response:
    return await _rendered(request, study, series)


@router.get(INSTANCE + "/rendered")
async def rendered_instance(request: Request, study: str, series: str, instance: str) -> Response:
    return await _rendered(request, study, series, instance)


@router.get(FRAMES + "/rendered")
async def rendered_frames(
    request: Request, study: str, series: str, instance: str, frames: str
) -> Response:
    wanted = Wanted(accepted(request), parse_rendering(request.query_params))
    scope = scope_of(request, study, series, instance)
    return await _given(request, partial(_renderer(request).frames, scope, frames, wanted))


@router.get(STUDY + "/thumbnail")
async def study_thumbnail(request: Request, study: str) -> Response:
    return await _thumbnail(request, None, study)


@router.get(SERIES + "/thumbnail")
async def series_thumbnail(request: Request, study: str, series: str) -> Response:
    return await _thumbnail(request, None, study, series)


@router.get(INSTANCE + "/thumbnail")
async def instance_thumbnail(request: Request, study: str, series: str, instance: str) -> Response:
    return await _thumbnail(request, None, study, series, instance)


@router.get(FRAMES + "/thumbnail")
async def frame_thumbnail(
    request: Request, study: str, series: str, instance: str, frames: str
) -> Response:
    return await _thumbnail(request, frames, study, series, instance)


async def _rendered(request: Request, *uids: str) -> Response:
    wanted = Wanted(accepted(request), parse_rendering(request.query_params))
    scope = scope_of(request, *uids)
    return await _given(request, partial(_renderer(request).resource, scope, wanted))


async def _thumbnail(request: Request, frame: str | None, *uids: str) -> Response:
    wanted = Wanted(accepted(request), parse_thumbnail(request.query_params))
    state = request.app.state
    if not hasattr(state, "thumbnails"):
        state.thumbnails = ThumbnailCache()
    thumbnails = Thumbnails(_renderer(request).images, state.thumbnails)
    return await _given(
        request, partial(thumbnails.resource, scope_of(request, *uids), wanted, frame)
    )


def _renderer(request: Request) -> Renderer:
    settings = request.app.state.services.settings
    limits = Limits(settings.maximum_rendered_megapixels)
    return Renderer(retrieval(request), public_root(request, settings), limits)


async def _given(request: Request, make: Callable[[], Given]) -> Response:
    """The answer with Warning headers for what it does not show (PS3.18 8.5.3)."""
    limiter = _limiter(request)
    given = await to_thread.run_sync(make, limiter=limiter)
    answer = given.answer
    if isinstance(answer.body, bytes) or answer.length is not None or is_head(request):
        response = await to_thread.run_sync(answered, request, answer, limiter=limiter)
    else:
        headers = {"Content-Type": answer.content_type, **validators(request, answer)}
        response = StreamingResponse(_in_turn(iter(answer.body), limiter), headers=headers)
    response.headers.update(given.headers)
    root = public_root(request, request.app.state.services.settings)
    for note in given.notes[:8]:
        printable = "".join(letter if " " <= letter <= "~" else "?" for letter in note)
        response.headers.append("Warning", f"299 {root}/dicom-web: {printable[:200]}")
    return response


async def _in_turn(pieces: Iterator[bytes], limiter: CapacityLimiter) -> AsyncIterator[bytes]:
    """The pieces, each made in its turn among all pictures that are wanted."""
    while (piece := await to_thread.run_sync(next, pieces, None, limiter=limiter)) is not None:
        yield piece


def _limiter(request: Request) -> CapacityLimiter:
    """Of this application; made within its event loop, to which it belongs."""
    state = request.app.state
    if not hasattr(state, "rendering_limiter"):
        state.rendering_limiter = CapacityLimiter(AT_ONCE)
    return state.rendering_limiter
