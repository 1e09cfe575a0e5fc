"""The rules page of the console: edit a draft, try it, make it live."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from gateway.access import Role, access_of, require_administrator
from gateway.chains.checking import fault_of_rule
from gateway.console.pages import page
from gateway.deps import LARGEST
from gateway.errors import GatewayError
from gateway.routers.rules import rules_of_text
from gateway.routing import versions
from gateway.routing.lab import Lab, Order, Tried
from gateway.routing.reading import as_yaml
from gateway.services import Services

router = APIRouter(prefix="/ui", include_in_schema=False)

DAYS = (1, 7, 30, 90)
STUDIES_PER_PAGE = 50
VERSIONS_SHOWN = 20
# What a kind of change is called.
TOLD = {
    "added": "would run",
    "removed": "would not run any more",
    "changed": "would change",
    "same": "as now",
    "none": "runs nothing",
}


@router.get("/rules")
def rules_page(
    request: Request, version: Annotated[int | None, Query(ge=1, le=LARGEST)] = None
) -> Response:
    """The rules in force, or those of an earlier version."""
    with _services(request).database.read() as session:
        if version is None:
            rules = versions.in_force(session).entries
        else:
            rules = versions.rules_in(versions.version(session, version))
    return _page(request, as_yaml(rules), shown=version)


@router.post("/rules")
async def change(request: Request) -> Response:
    form = await request.form(max_files=0)
    return await run_in_threadpool(_answer, request, form)


def _answer(request: Request, form: FormData) -> Response:
    """Try the draft, or make it live; what is wrong with it is told beside it."""
    text = str(form.get("rules", "")).replace("\r\n", "\n")
    days = _number(form, "days", 7)
    try:
        if form.get("action") == "live":
            _make_live(request, text, _number(form, "version", 0))
            return RedirectResponse("/ui/rules", 303, headers={"Cache-Control": "no-store"})
        order = Order(days=days, limit=STUDIES_PER_PAGE, offset=_number(form, "offset", 0))
        services = _services(request)
        lab = Lab(services.database, services.registry)
        tried = lab.try_out(rules_of_text(text.encode()), order)
    except GatewayError as error:
        return _page(request, text, days=days, problem=str(error), status_code=error.status)
    return _page(request, text, days=days, tried=tried)


def _make_live(request: Request, text: str, version: int) -> None:
    who = require_administrator(request, "change the rules").name
    rules = rules_of_text(text.encode())
    services = _services(request)
    with services.database.write() as session:
        versions.change(
            session,
            versions.Change(who, f"put {len(rules)} rule(s) in the console", version),
            lambda _: [*rules],
            lambda rule: fault_of_rule(rule, partial(services.registry.runnable, session)),
        )


def _page(  # noqa: PLR0913 (what the page shows)
    request: Request,
    text: str,
    *,
    shown: int | None = None,
    days: int = 7,
    problem: str = "",
    tried: Tried | None = None,
    status_code: int = 200,
) -> Response:
    with _services(request).database.read() as session:
        rule_set = versions.in_force(session)
        context: dict[str, Any] = {
            "version": rule_set.version,
            "set_aside": rule_set.set_aside,
            "versions": versions.versions(session, VERSIONS_SHOWN),
        }
    context |= {"text": text, "shown": shown, "days": days, "problem": problem, "tried": tried}
    context |= {"choices": DAYS, "told": TOLD}
    context["is_administrator"] = access_of(request).role is Role.ADMINISTRATOR
    return page(request, "rules.html", context, status_code=status_code)


def _number(form: FormData, name: str, default: int) -> int:
    """Of a field that our own page fills in."""
    text = str(form.get(name, default))
    if (
        not text.isdecimal()
        or int(text[:10]) > LARGEST
        or (name == "days" and int(text) not in DAYS)
    ):
        raise HTTPException(400, f"the field {name} holds no number that the page offers")
    return int(text)


def _services(request: Request) -> Services:
    return request.app.state.services
