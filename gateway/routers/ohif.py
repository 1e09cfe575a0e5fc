"""OHIF, the viewer, on the gateway's own origin: its ready static site and one file of settings.

OHIF's build expects the root, so this router is included last and steps back from every path that
belongs to the gateway: an unknown path there is a 404 of the gateway, never a page of the viewer.
"""

import re
from contextlib import suppress
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from gateway.console.pages import page

VIEWER = Path(__file__).parent.parent / "viewer"
SCRIPTS = tuple(VIEWER / name for name in ("app-config.js", "odd-headers.js", "open-results.js"))
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
def viewer_settings() -> Response:
    """What OHIF reads first: our DICOMweb as its only source, and what helps it show all of it."""
    content = "\n".join(path.read_text("utf-8") for path in SCRIPTS)
    return Response(content, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@router.api_route("/{path:viewer}", methods=["GET", "HEAD"])
async def viewer_file(path: str, request: Request) -> Response:
    """A file of OHIF's site, or its only page for the routes that it resolves itself."""
    site = request.app.state.services.settings.ohif
    if not (site / "index.html").is_file():
        return page(request, "no_viewer.html", {"folder": site}, status_code=503)
    names_a_file = "." in path.rpartition("/")[2]
    name = path if names_a_file else "index.html"
    answer = await _send(StaticFiles(directory=site), name, request)
    is_hashed = HASHED_NAME.search(name)
    kept = "private, max-age=31536000, immutable" if is_hashed else "no-cache"
    answer.headers["Cache-Control"] = kept
    if name == "index.html":
        answer.headers["Content-Security-Policy"] = VIEWER_POLICY
    return answer


async def _send(files: StaticFiles, path: str, request: Request) -> Response:
    """A file of the site; where the client takes gzip and a .gz lies beside it, that one."""
    if "gzip" in request.headers.get("accept-encoding", ""):
        with suppress(HTTPException):  # most files have no compressed twin
            answer = await files.get_response(f"{path}.gz", request.scope)
            answer.headers.update({"Content-Encoding": "gzip", "Vary": "Accept-Encoding"})
            return answer
    answer = await files.get_response(path, request.scope)
    answer.headers["Vary"] = "Accept-Encoding"
    return answer
