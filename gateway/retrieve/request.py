"""What the routers of the Retrieve transactions share: paths, and how they read a request."""

from fastapi import Request

from gateway.access import access_of
from gateway.retrieve.located import Scope
from gateway.retrieve.retrieval import Retrieval
from standards.media_types import MediaType, parse_accept

STUDY = "/studies/{study}"
SERIES = STUDY + "/series/{series}"
INSTANCE = SERIES + "/instances/{instance}"
FRAMES = INSTANCE + "/frames/{frames}"


def scope_of(
    request: Request, study: str, series: str | None = None, instance: str | None = None
) -> Scope:
    """What the path names, within what the client may see."""
    return Scope(study, series, instance, access_of(request).patient_id)


def retrieval(request: Request) -> Retrieval:
    """The one Retrieval of this application."""
    return request.app.state.retrieval


def accepted(request: Request) -> tuple[MediaType, ...]:
    """The `accept` parameter, which browsers can set, goes before the header (PS3.18 8.3.3.1)."""
    parameter = request.query_params.get("accept")
    return parse_accept(parameter or request.headers.get("accept", ""))
