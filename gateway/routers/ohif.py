"""OHIF, the viewer, on the gateway's own origin: its ready static site and one file of settings.

OHIF's build expects the root, so this router is included last and steps back from every path that
belongs to the gateway: an unknown path there is a 404 of the gateway, never a page of the viewer.
"""

import re
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from gateway.console.pages import page

CONFIG = Path(__file__).parent.parent / "viewer" / "app-config.js"
GATEWAY_PATHS = ("dicom-web", "air", "fhir", "api", "ui", "health", "metrics")
HASHED_NAME = re.compile(r"(^|\.)[0-9a-f]{16}\.\w+$")  # the build puts a hash of the content there

# Where the viewer may get things from: this gateway only, so that no patient data can leave by it.
# Its build compiles WebAssembly, makes workers from blobs and evaluates strings.
VIEWER_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'self'; frame-ancestors 'self'"
)


class ViewerPath(PathConvertor):
    """Any path but the gateway's own."""

    regex = rf"(?!(?:{'|'.join(GATEWAY_PATHS)})(?:/|$)).*"


register_url_convertor("viewer", ViewerPath())
router = APIRouter(include_in_schema=False)


@router.api_route("/app-config.js", methods=["GET", "HEAD"])
def viewer_settings() -> FileResponse:
    """What OHIF reads first: our DICOMweb as its only source. Recipe: VIEWERS.md 2."""
    return FileResponse(CONFIG, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@router.api_route("/{path:viewer}", methods=["GET", "HEAD"])
def viewer_file(path: str, request: Request) -> Response:
    """A file of OHIF's site, or its only page for the routes that it resolves itself."""
    site = request.app.state.services.settings.ohif
    if not (site / "index.html").is_file():
        return page(request, "no_viewer.html", {"folder": site}, status_code=503)
    files = StaticFiles(directory=site)
    found, status = files.lookup_path(path)
    if status is not None and Path(found).is_file():
        answer = files.file_response(found, status, request.scope)
        kept = "private, max-age=31536000, immutable" if HASHED_NAME.search(path) else "no-cache"
        answer.headers["Cache-Control"] = kept
        return answer
    if "." in path.rpartition("/")[2]:
        raise HTTPException(404, f"the viewer has no file /{path[:128]}")
    index, status = files.lookup_path("index.html")
    if status is None:
        raise HTTPException(404, "the viewer's page has just been removed; run `make setup`")
    answer = files.file_response(index, status, request.scope)
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Content-Security-Policy"] = VIEWER_POLICY
    return answer
