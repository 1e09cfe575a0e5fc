"""The pages of models in the console: the list, and one page a version, with its stages."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from ai_models.card import Stage
from gateway.access import Role, access_of, require_administrator
from gateway.console import models
from gateway.console.pages import page
from gateway.errors import GatewayError, Unprocessable
from gateway.models import stages, tries
from gateway.models.deleting import DELETABLE, delete_version
from gateway.services import Services

router = APIRouter(prefix="/ui/models", include_in_schema=False)

# What a button is called that moves a version to that stage.
CALLED = {Stage.SHADOW: "Run in shadow", Stage.LIVE: "Make it live", Stage.RETIRED: "Retire it"}
DELETE = "delete"


@router.get("")
def all_models(request: Request) -> Response:
    with _services(request).database.read() as session:
        lines = models.registered_models(session)
    return page(request, "models.html", {"lines": lines, "days": models.USAGE_DAYS})


@router.get("/{name}/{version}")
def model(request: Request, name: str, version: str) -> Response:
    return _page(request, name, version)


@router.post("/{name}/{version}")
async def change(request: Request, name: str, version: str) -> Response:
    """What the buttons of the page do."""
    form = await request.form(max_files=0)
    return await run_in_threadpool(_answer, request, name, version, form)


def _answer(request: Request, name: str, version: str, form: FormData) -> Response:
    try:
        _do(request, name, version, form)
    except GatewayError as error:
        return _page(request, name, version, problem=str(error), status_code=error.status)
    own = "" if form.get("action") == DELETE else f"/{name}/{version}"
    return RedirectResponse(f"/ui/models{own}", 303, {"Cache-Control": "no-store"})


def _do(request: Request, name: str, version: str, form: FormData) -> None:
    by = require_administrator(request, "change or try models").name
    action, services = str(form.get("action", "")), _services(request)
    displaced = Stage.SHADOW if form.get("displaced") == "shadow" else Stage.RETIRED
    order = stages.Order(by, str(form.get("note", ""))[: stages.LONGEST_NOTE], displaced)
    with services.database.write() as session:
        if action == "try":
            study = str(form.get("study", "")).strip()[:64]
            model = services.registry.version(name, version)
            tries.order(session, services.registry, model, study, (), by)
        elif action == "roll back":
            stages.roll_back(session, name, order)
        elif action == DELETE:
            delete_version(session, name, version)
        elif action == Stage.RETIRED:
            stages.retire(session, name, version, order)
        elif action in (Stage.SHADOW, Stage.LIVE):
            stages.promote(session, name, version, order, Stage(action))
        else:
            raise Unprocessable("the form names nothing that this page offers; load it again")


def _page(
    request: Request, name: str, version: str, *, problem: str = "", status_code: int = 200
) -> Response:
    with _services(request).database.read() as session:
        found = models.model_page(session, name, version)
    if found is None:
        told = {"what": "model", "uid": f"{name} {version}"}
        return page(request, "not_found.html", told, status_code=404)
    context = {
        "model": found,
        "others": found.others,
        "called": CALLED,
        "may_go": found.line.model.stage in DELETABLE,
        "problem": problem,
        "is_administrator": access_of(request).role is Role.ADMINISTRATOR,
    }
    return page(request, "model.html", context, status_code=status_code)


def _services(request: Request) -> Services:
    return request.app.state.services
