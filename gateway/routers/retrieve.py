"""WADO-RS: instances, metadata, frames, bulk data, rendered images, thumbnails (PS3.18 10.4)."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from gateway.public_url import public_root
from gateway.render import IMAGE_FORMATS, Rendering, Viewport, parse_rendering, render
from gateway.retrieve.errors import InvalidFrameList
from gateway.retrieve.located import Located, Scope, locate_one, metadata, representative
from gateway.retrieve.retrieval import Answer, Retrieval
from gateway.web_errors import NotAcceptable
from standards.media_types import MediaType, first_covered, parse_accept

router = APIRouter(prefix="/dicom-web", tags=["DICOMweb retrieve"])

STUDY = "/studies/{study}"
SERIES = STUDY + "/series/{series}"
INSTANCE = SERIES + "/instances/{instance}"
FRAMES = INSTANCE + "/frames/{frames}"

THUMBNAIL = 256  # pixels, the longer side
METADATA = ("application/dicom+json", "application/json")


@router.get(STUDY)
def retrieve_study(request: Request, study: str) -> Response:
    return _instances(request, Scope(study))


@router.get(SERIES)
def retrieve_series(request: Request, study: str, series: str) -> Response:
    return _instances(request, Scope(study, series))


@router.get(INSTANCE)
def retrieve_instance(request: Request, study: str, series: str, instance: str) -> Response:
    return _instances(request, Scope(study, series, instance))


@router.get(STUDY + "/metadata")
def study_metadata(request: Request, study: str) -> Response:
    return _metadata(request, Scope(study))


@router.get(SERIES + "/metadata")
def series_metadata(request: Request, study: str, series: str) -> Response:
    return _metadata(request, Scope(study, series))


@router.get(INSTANCE + "/metadata")
def instance_metadata(request: Request, study: str, series: str, instance: str) -> Response:
    return _metadata(request, Scope(study, series, instance))


@router.get(FRAMES)
def retrieve_frames(
    request: Request, study: str, series: str, instance: str, frames: str
) -> Response:
    scope = Scope(study, series, instance)
    return _response(retrieval(request).frames(scope, frames, _accepted(request)))


@router.get(INSTANCE + "/bulkdata/{path:path}")
def retrieve_bulk_data(
    request: Request, study: str, series: str, instance: str, path: str
) -> Response:
    url = public_root(request, request.app.state.services.settings) + request.url.path
    scope = Scope(study, series, instance)
    return _response(retrieval(request).bulk_data(scope, path, _accepted(request), url))


@router.get(SERIES + "/rendered")
def rendered_series(request: Request, study: str, series: str) -> Response:
    return _representative(request, Scope(study, series), parse_rendering(request.query_params))


@router.get(INSTANCE + "/rendered")
def rendered_instance(request: Request, study: str, series: str, instance: str) -> Response:
    scope = Scope(study, series, instance)
    return _frame(request, scope, "1", parse_rendering(request.query_params))


@router.get(FRAMES + "/rendered")
def rendered_frame(
    request: Request, study: str, series: str, instance: str, frames: str
) -> Response:
    scope = Scope(study, series, instance)
    return _frame(request, scope, frames, parse_rendering(request.query_params))


@router.get(STUDY + "/thumbnail")
def study_thumbnail(request: Request, study: str) -> Response:
    return _representative(request, Scope(study), _thumbnail(request))


@router.get(SERIES + "/thumbnail")
def series_thumbnail(request: Request, study: str, series: str) -> Response:
    return _representative(request, Scope(study, series), _thumbnail(request))


@router.get(INSTANCE + "/thumbnail")
def instance_thumbnail(request: Request, study: str, series: str, instance: str) -> Response:
    return _frame(request, Scope(study, series, instance), "1", _thumbnail(request))


@router.get(FRAMES + "/thumbnail")
def frame_thumbnail(
    request: Request, study: str, series: str, instance: str, frames: str
) -> Response:
    return _frame(request, Scope(study, series, instance), frames, _thumbnail(request))


def retrieval(request: Request) -> Retrieval:
    """The one Retrieval of this application, made at its first request."""
    state = request.app.state
    if not hasattr(state, "retrieval"):
        state.retrieval = Retrieval(state.services.database, state.services.archive)
    return state.retrieval


def _accepted(request: Request) -> tuple[MediaType, ...]:
    """The `accept` parameter, which browsers can set, goes before the header (PS3.18 8.3.3.1)."""
    parameter = request.query_params.get("accept")
    return parse_accept(parameter or request.headers.get("accept", ""))


def _response(answer: Answer) -> Response:
    if isinstance(answer.body, bytes):
        return Response(answer.body, headers={"Content-Type": answer.content_type})
    return StreamingResponse(answer.body, headers={"Content-Type": answer.content_type})


def _instances(request: Request, scope: Scope) -> Response:
    root = public_root(request, request.app.state.services.settings)
    return _response(retrieval(request).instances(scope, _accepted(request), root))


def _metadata(request: Request, scope: Scope) -> Response:
    media_type = first_covered(_accepted(request), METADATA)
    if media_type is None:
        raise NotAcceptable("metadata", ", ".join(METADATA))
    services = request.app.state.services
    root = public_root(request, services.settings)
    return StreamingResponse(metadata(services.database, scope, root), media_type=media_type)


def _thumbnail(request: Request) -> Rendering:
    """Small, unless the client says how small."""
    rendering = parse_rendering(request.query_params)
    if rendering.viewport is None:
        return replace(rendering, viewport=Viewport(THUMBNAIL, THUMBNAIL))
    return rendering


def _representative(request: Request, scope: Scope, rendering: Rendering) -> Response:
    instance = representative(request.app.state.services.database, scope)
    middle = (instance.number_of_frames + 1) // 2
    return _picture(request, instance, middle, rendering)


def _frame(request: Request, scope: Scope, frames: str, rendering: Rendering) -> Response:
    """One frame only: a picture, not a film."""
    if not (frames.isascii() and frames.isdigit() and len(frames) < 10):
        raise InvalidFrameList(frames)
    instance = locate_one(request.app.state.services.database, scope)
    return _picture(request, instance, int(frames), rendering)


def _picture(request: Request, instance: Located, number: int, rendering: Rendering) -> Response:
    media_type = first_covered(_accepted(request), tuple(IMAGE_FORMATS))
    if media_type is None:
        raise NotAcceptable("rendered images", ", ".join(IMAGE_FORMATS))
    pixels = retrieval(request).pixels(instance)
    return Response(render(pixels, number, media_type, rendering), media_type=media_type)
