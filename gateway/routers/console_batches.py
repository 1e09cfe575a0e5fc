"""The batches page of the console: how far they are, and buttons to steer them."""

from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from gateway.access import Role, access_of
from gateway.console.pages import page
from gateway.errors import GatewayError
from gateway.routers.batches import cancel, pause, resume, views

router = APIRouter(prefix="/ui", include_in_schema=False)

BATCHES_SHOWN = 50
CHANGES = {"pause": pause, "resume": resume, "cancel": cancel}
Change = Literal["pause", "resume", "cancel"]


@router.get("/batches")
def batches(request: Request) -> Response:
    return _page(request)


@router.post("/batches/{batch_id}/{change}")
def steer(
    request: Request, batch_id: str, change: Literal["pause", "resume", "cancel"]
) -> Response:
    """What the page's buttons do; why one could not is told on the page."""
    try:
        CHANGES[change](request, batch_id, request.app.state.services.database)
    except GatewayError as error:
        return _page(request, problem=str(error), status_code=error.status)
    return RedirectResponse("/ui/batches", 303, headers={"Cache-Control": "no-store"})


def _page(request: Request, *, problem: str = "", status_code: int = 200) -> Response:
    context = {
        "lines": views(request.app.state.services.database, BATCHES_SHOWN, 0),
        "may_steer": access_of(request).role is Role.ADMINISTRATOR,
        "problem": problem,
    }
    return page(request, "batches.html", context, status_code=status_code)
