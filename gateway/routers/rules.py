"""Routing rules."""

import time

from fastapi import APIRouter, Depends
from sqlalchemy import select

from gateway.access import administrators_only
from gateway.deps import DatabaseOf, RegistryOf
from gateway.errors import NotFound, Unprocessable
from gateway.routing.router import put_rule, rules_of
from gateway.routing.rules import Rule
from gateway.store.tables import RuleRow

router = APIRouter(prefix="/api/v1/rules", tags=["rules"])


@router.get("")
def all_rules(database: DatabaseOf) -> list[Rule]:
    """In the order in which they are evaluated."""
    with database.read() as session:
        return rules_of(session)


@router.get("/{name}")
def one_rule(name: str, database: DatabaseOf) -> Rule:
    with database.read() as session:
        row = session.get(RuleRow, name)
    if row is None:
        raise NotFound("rule", name)
    return Rule.model_validate_json(row.body)


@router.put("/{name}", dependencies=[Depends(administrators_only)])
def put(name: str, rule: Rule, database: DatabaseOf, registry: RegistryOf) -> Rule:
    """Add or replace a rule. Rules of the rules file come back at the next start."""
    if rule.name != name:
        raise Unprocessable(f"the path names rule {name!r}, the body {rule.name!r}; use one name")
    with database.write() as session:
        if registry.runnable(session, rule.run) is None:
            raise Unprocessable(
                f"no enabled model {rule.run!r} is registered; "
                "register it first by POST /api/v1/models"
            )
        put_rule(session, rule, "api", time.time())
    return rule


@router.delete("/{name}", status_code=204, dependencies=[Depends(administrators_only)])
def delete(name: str, database: DatabaseOf) -> None:
    with database.write() as session:
        row = session.scalars(select(RuleRow).where(RuleRow.name == name)).first()
        if row is None:
            raise NotFound("rule", name)
        session.delete(row)
