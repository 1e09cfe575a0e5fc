"""The console under /ui/: studies, one study's trace and results."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from gateway.access import Role, access_of, require_administrator
from gateway.console import queries
from gateway.console.pages import STATIC, page
from gateway.deps import LARGEST
from gateway.replaying import replay

router = APIRouter(prefix="/ui", include_in_schema=False)

ASSETS = {
    "console.css": "text/css",
    "live.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
STUDIES_PER_PAGE = 50


@router.get("/")
def studies(request: Request, offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0) -> Response:
    with request.app.state.services.database.read() as session:
        lines = queries.recent_studies(session, offset=offset, limit=STUDIES_PER_PAGE + 1)
    shown = lines[:STUDIES_PER_PAGE]
    older = offset + STUDIES_PER_PAGE if len(lines) > len(shown) else None
    newer = max(0, offset - STUDIES_PER_PAGE) if offset else None
    return page(request, "studies.html", {"lines": shown, "older": older, "newer": newer})


@router.get("/studies/{study_instance_uid}")
def study(request: Request, study_instance_uid: str) -> Response:
    with request.app.state.services.database.read() as session:
        found = queries.study_page(session, study_instance_uid)
    if found is None:
        return page(request, "not_found.html", {"uid": study_instance_uid}, status_code=404)
    is_administrator = access_of(request).role is Role.ADMINISTRATOR
    return page(request, "study.html", {"study": found, "is_administrator": is_administrator})


@router.post("/workitems/{workitem_uid}/replay")
def replay_workitem(request: Request, workitem_uid: str) -> Response:
    """What the study page's button does."""
    access = require_administrator(request, "replay workitems")
    with request.app.state.services.database.write() as session:
        study = replay(session, workitem_uid, access.name).study_instance_uid
    return RedirectResponse(f"/ui/studies/{study}", status_code=303)


@router.get("/static/{name}")
def asset(name: str) -> FileResponse:
    """Open to all: the sign-in page needs its style sheet."""
    if name not in ASSETS:
        raise HTTPException(404, "the console has no such file")
    headers = {"Cache-Control": "no-cache"}
    return FileResponse(STATIC / name, media_type=ASSETS[name], headers=headers)
