"""Routing rules: the set in force, its versions, and trying another one."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from gateway.access import access_of, administrators_only
from gateway.chains.checking import fault_of_rule
from gateway.deps import LARGEST, DatabaseOf, RegistryOf
from gateway.errors import GatewayError, NotFound, Unprocessable
from gateway.registry import Registry
from gateway.routing import versions
from gateway.routing.lab import Lab, Order, Tried
from gateway.routing.reading import as_yaml, content_of, json_of, parse_rules
from gateway.routing.rules import Rule
from gateway.routing.set_aside import Entry, shown
from gateway.store.database import Database
from gateway.store.tables import RuleVersionRow
from gateway.validation import one_line

router = APIRouter(prefix="/api/v1/rules", tags=["rules"])

YAML = "application/yaml"  # RFC 9512
YAML_TYPES = (YAML, "application/x-yaml", "text/yaml", "text/x-yaml")

Number = Annotated[int, Path(ge=1, le=LARGEST)]
_SET: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
            YAML: {"schema": {"type": "string"}},
        },
    }
}


class VersionLine(BaseModel):
    """at: seconds since the epoch, UTC."""

    number: int
    at: float
    changed_by: str
    change: str


class VersionView(VersionLine):
    rules: list[Rule | dict[str, Any]]


class UnsupportedBody(GatewayError):
    status = 415


async def rules_of_body(request: Request) -> list[Rule]:
    """A rule set of the request's body, by its Content-Type. Raises Unprocessable."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (*YAML_TYPES, "application/json"):
        raise UnsupportedBody(
            f"Content-Type is {kind[:80] or 'absent'!r}; expected application/json or {YAML}"
        )
    read = json_of if kind == "application/json" else content_of
    return await run_in_threadpool(rules_of_text, await request.body(), read)


def rules_of_text(body: bytes, read: Callable[[str], Any] = content_of) -> list[Rule]:
    try:
        return parse_rules(read(body.decode("utf-8")))
    except ValueError as error:
        raise Unprocessable(f"not a rule set: {one_line(error)}") from error


RulesOfBody = Annotated[list[Rule], Depends(rules_of_body)]


@router.get("")
def all_rules(request: Request, response: Response, database: DatabaseOf) -> Any:
    """In the order in which they are asked; JSON, or YAML where Accept asks for it.

    A rule that was stored by another version and that this one cannot use is not asked: it has
    `set_aside`, with the reason. The ETag is the version of the set, for If-Match of a PUT.
    """
    with database.read() as session:
        rule_set = versions.in_force(session)
    etag = {"ETag": f'"{rule_set.version}"'}
    if any(kind in request.headers.get("accept", "") for kind in YAML_TYPES):
        return Response(as_yaml(rule_set.entries), headers=etag, media_type=YAML)
    response.headers.update(etag)
    return [shown(one) for one in rule_set.entries]


@router.put("", dependencies=[Depends(administrators_only)], openapi_extra=_SET)
def put_all(
    rules: RulesOfBody,
    request: Request,
    response: Response,
    database: DatabaseOf,
    registry: RegistryOf,
) -> list[Rule]:
    """Put a whole set in place of the rules: a list, as JSON or YAML, in the order to ask in.

    If-Match with an ETag of GET: 412 when somebody else changed the rules meanwhile.
    """
    told = f"put {len(rules)} rule(s)"
    rule_set = _change(request, database, registry, told, lambda _: [*rules])
    response.headers["ETag"] = f'"{rule_set.version}"'
    return list(rule_set.rules)


@router.get("/versions")
def all_versions(
    database: DatabaseOf,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
) -> list[VersionLine]:
    """Who changed the rules when, the newest first."""
    with database.read() as session:
        return [_line(row) for row in versions.versions(session, limit, before)]


@router.get("/versions/{number}")
def one_version(number: Number, database: DatabaseOf) -> VersionView:
    with database.read() as session:
        row = versions.version(session, number)
    rules = [shown(one) for one in versions.rules_in(row)]
    return VersionView(**_line(row).model_dump(), rules=rules)


@router.post("/versions/{number}/restore", dependencies=[Depends(administrators_only)])
def restore(
    number: Number, request: Request, database: DatabaseOf, registry: RegistryOf
) -> list[Rule]:
    """Make the rules of an earlier version the newest one."""
    with database.read() as session:
        rules = versions.rules_in(versions.version(session, number))
    told = f"restored version {number}"
    return list(_change(request, database, registry, told, lambda _: rules).rules)


@router.post("/try", openapi_extra=_SET)
def try_out(
    rules: RulesOfBody,
    order: Annotated[Order, Query()],
    database: DatabaseOf,
    registry: RegistryOf,
) -> Tried:
    """What these rules would run on the studies of the last days, and how that differs from what
    the rules in force would. Nothing is written. It takes some ten seconds at most; `next_offset`
    says where to go on.
    """
    return Lab(database, registry).try_out(rules, order)


@router.get("/{name}")
def one_rule(name: str, database: DatabaseOf) -> Rule | dict[str, Any]:
    with database.read() as session:
        return shown(_named(versions.in_force(session).entries, name))


@router.put("/{name}", dependencies=[Depends(administrators_only)])
def put(
    name: str, rule: Rule, request: Request, database: DatabaseOf, registry: RegistryOf
) -> Rule:
    """Add a rule at the end, or replace the one of this name where it stands."""
    if rule.name != name:
        raise Unprocessable(f"the path names rule {name!r}, the body {rule.name!r}; use one name")

    def changed(rules: list[Entry]) -> list[Entry]:
        known = any(one.name == name for one in rules)
        if known:
            return [rule if one.name == name else one for one in rules]
        return [*rules, rule]

    _change(request, database, registry, f"put {name}", changed)
    return rule


@router.delete("/{name}", status_code=204, dependencies=[Depends(administrators_only)])
def delete(name: str, request: Request, database: DatabaseOf, registry: RegistryOf) -> None:
    def changed(rules: list[Entry]) -> list[Entry]:
        gone = _named(rules, name)
        return [one for one in rules if one is not gone]

    _change(request, database, registry, f"deleted {name}", changed)


def _change(
    request: Request,
    database: Database,
    registry: Registry,
    told: str,
    changed: Callable[[list[Entry]], list[Entry]],
) -> versions.RuleSet:
    with database.write() as session:
        return versions.change(
            session,
            versions.Change(access_of(request).name, told, _based_on(request)),
            changed,
            lambda rule: fault_of_rule(rule, partial(registry.runnable, session)),
        )


def _based_on(request: Request) -> int | None:
    """The version in If-Match; what is no version of ours matches none."""
    wanted = request.headers.get("if-match", "*").strip()
    if wanted == "*":
        return None
    number = wanted.strip('"')
    return int(number) if number.isdecimal() and len(number) < 10 else -1


def _named(rules: Sequence[Entry], name: str) -> Entry:
    for rule in rules:
        if rule.name == name:
            return rule
    raise NotFound("rule", name)


def _line(row: RuleVersionRow) -> VersionLine:
    return VersionLine(number=row.number, at=row.at, changed_by=row.changed_by, change=row.change)
