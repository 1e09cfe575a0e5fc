"""The rule set as a row of versions: who changed it, when, to what; the last one is in force."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.errors import Conflict, GatewayError, NotFound, Unprocessable
from gateway.routing.reading import MOST_RULES
from gateway.routing.rules import Rule
from gateway.routing.set_aside import Entry, SetAside, entries, log_once, written
from gateway.store.tables import RuleVersionRow

RULES_FILE = "rules file"


@dataclass(frozen=True)
class RuleSet:
    """version: 0 before the first change. entries: in their order, those that are set aside too."""

    version: int
    entries: tuple[Entry, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those that are asked."""
        return tuple(one for one in self.entries if isinstance(one, Rule))

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        return tuple(one for one in self.entries if isinstance(one, SetAside))


def in_force(session: Session) -> RuleSet:
    row = _last(session)
    rule_set = RuleSet(row.number, entries(row.rules)) if row else RuleSet(0, ())
    log_once(rule_set.version, rule_set.set_aside)
    return rule_set


def rules_of(session: Session) -> list[Rule]:
    return list(in_force(session).rules)


def versions(session: Session, limit: int, before: int | None = None) -> Sequence[RuleVersionRow]:
    """The newest first."""
    query = select(RuleVersionRow).order_by(RuleVersionRow.number.desc()).limit(limit)
    if before is not None:
        query = query.where(RuleVersionRow.number < before)
    return session.scalars(query).all()


def version(session: Session, number: int) -> RuleVersionRow:
    row = session.get(RuleVersionRow, number)
    if row is None:
        raise NotFound("version of the rules", str(number))
    return row


def rules_in(row: RuleVersionRow) -> list[Entry]:
    return list(entries(row.rules))


@dataclass(frozen=True)
class Change:
    """who: name of the token. told: what is done, in words.

    based_on: the version that it was made from; None = whatever is in force.
    """

    who: str
    told: str
    based_on: int | None = None


class RulesChanged(GatewayError):
    """The change was made from a version that is not the last one."""

    status = 412

    def __init__(self, found: int, based_on: int) -> None:
        self.found, self.based_on = found, based_on
        super().__init__(
            f"the rules are at version {found}, the change was made from another one; "
            "look at what changed since, and send it again"
        )


def change(
    session: Session,
    order: Change,
    changed: Callable[[list[Entry]], list[Entry]],
    fault_of: Callable[[Rule], str],
) -> RuleSet:
    """Make what `changed` makes of the rules in force the next version, in the caller's
    transaction; nothing when it changes nothing.

    fault_of: what stands against a rule that is new; "" where nothing does.
    Raises RulesChanged, Conflict when two changes meet, and Unprocessable for more rules than a
    set may have, or a fault.
    """
    last = _last(session)
    number = last.number if last else 0
    if order.based_on is not None and order.based_on != number:
        raise RulesChanged(number, order.based_on)
    before = list(in_force(session).entries)
    after = changed(list(before))
    if after == before:
        return RuleSet(number, tuple(before))
    _check(before, after, fault_of)
    row = RuleVersionRow(
        number=number + 1,
        at=time.time(),
        changed_by=order.who,
        change=order.told,
        rules=_written(after),
        from_file=last.from_file if last else "[]",
        file_sha256=last.file_sha256 if last else "",
    )
    return _added(session, row)


def _check(before: list[Entry], after: list[Entry], fault_of: Callable[[Rule], str]) -> None:
    if len(after) > MOST_RULES:
        raise Unprocessable(f"that makes {len(after)} rules, expected at most {MOST_RULES}")
    for one in after:
        if isinstance(one, Rule) and one not in before and (fault := fault_of(one)):
            raise Unprocessable(fault)


def take_over(session: Session, from_file: list[Rule]) -> RuleSet:
    """Put the rules of the file first, in place of those that an earlier one gave; others stay.

    Nothing happens as long as the file says the same, so what was changed since is not undone.
    """
    last = _last(session)
    written = _written(from_file)
    digest = hashlib.sha256(written.encode()).hexdigest()
    if last is not None and last.file_sha256 == digest:
        return in_force(session)
    names = {rule.name for rule in from_file}
    gone = names | set(json.loads(last.from_file) if last else [])
    others = [one for one in in_force(session).entries if one.name not in gone]
    row = RuleVersionRow(
        number=last.number + 1 if last else 1,
        at=time.time(),
        changed_by=RULES_FILE,
        change="read at start",
        rules=_written([*from_file, *others]),
        from_file=json.dumps(sorted(names)),
        file_sha256=digest,
    )
    return _added(session, row)


def _added(session: Session, row: RuleVersionRow) -> RuleSet:
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(
            "the rules were changed by somebody else just now; look at them and send it again"
        ) from error
    return RuleSet(row.number, entries(row.rules))


def _last(session: Session) -> RuleVersionRow | None:
    return session.scalars(
        select(RuleVersionRow).order_by(RuleVersionRow.number.desc()).limit(1)
    ).first()


def _written(rules: Sequence[Entry]) -> str:
    return json.dumps(written(rules))
