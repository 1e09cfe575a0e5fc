"""Subscribing to events of a workitem, or of the worklist (PS3.18 11.10 to 11.12, PS3.4 CC.2.3)."""

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from gateway.errors import NotFound
from gateway.search.query_string import pairs
from gateway.store.database import Database
from gateway.store.tables import NotificationRow, SubscriptionRow, WorkitemRow
from gateway.ups import rows
from gateway.ups.errors import UnusableSubscription
from gateway.ups.notifications import (
    filter_conditions,
    notify,
    own_subscription,
    subscribers,
    subscription,
)
from gateway.ups.search import every_match
from standards.ups_events import FILTERED_WORKLIST, WORKLIST, state_report

_GENERAL = (WORKLIST, FILTERED_WORKLIST)
_AT_ONCE = 500  # rows of one INSERT
_CONTROLS = frozenset(("deletionlock", "filter", "accept", "charset"))
_LOCK = {"true": True, "false": False}


def ae_title(text: str) -> str:
    """The AE Title of a path, checked (PS3.5 6.2). Raises UnusableSubscription."""
    if not is_ae_title(text):
        raise UnusableSubscription("no AE Title", "1 to 16 printable ASCII characters")
    return text.strip()


def is_ae_title(text: str) -> bool:
    title = text.strip()
    return 0 < len(title) <= 16 and title.isascii() and title.isprintable() and "\\" not in title


def asked_for(query: bytes) -> tuple[bool, str]:
    """Deletion lock and filter of a request to subscribe, the filter as NotificationRow keeps it.

    A filter is `filter=attribute=value,...` (PS3.18 11.10.1.2), or parameters as of a search.
    """
    found = pairs(query)
    locks = [value.lower() for name, value in found if name.lower() == "deletionlock"]
    if not set(locks) <= _LOCK.keys() or len(locks) > 1:
        raise UnusableSubscription("no such deletionlock", "true or false")
    keys = [(name, value) for name, value in found if name.lower() not in _CONTROLS]
    for name, value in found:
        if name.lower() == "filter":
            keys += _keys_of(value)
    return _LOCK[locks[0]] if locks else False, json.dumps(keys) if keys else ""


def subscribe(database: Database, target: str, aet: str, *, lock: bool, filter: str) -> None:
    """From now on the AE is told; of one workitem, or with a lock of all, where they stand now.

    target:  a workitem's UID, or the well-known one of the (filtered) worklist. Raises NotFound,
    UnusableSubscription, and what a search with that filter raises.
    """
    with database.write() as session:
        if target == WORKLIST:
            _subscribe_to_all(session, aet, lock)
        elif target == FILTERED_WORKLIST:
            _subscribe_to_matches(session, aet, lock, filter, sqlite=database.is_sqlite)
        else:
            row = rows.locked(session, target)
            session.merge(subscription(target, aet, lock=lock))
            notify(session, [aet], [state_report(rows.step_of(row))])


def unsubscribe(database: Database, target: str, aet: str) -> None:
    """The AE is told no more. From the worklist: of no workitem at all. Raises NotFound."""
    with database.write() as session:
        if target in _GENERAL:
            _unsubscribe_from_all(session, target, aet)
            return
        row = rows.locked(session, target)
        if aet not in subscribers(session, row, rows.step_of(row)):
            raise NotFound("subscription of", aet)
        session.flush()
        session.merge(subscription(target, aet, subscribed=False))


def suspend(database: Database, target: str, aet: str) -> None:
    """Workitems that are created from now on no longer count. Raises NotFound and others."""
    if target not in _GENERAL:
        expected = f"{WORKLIST} or {FILTERED_WORKLIST}: a single workitem's is ended by DELETE"
        raise UnusableSubscription("another target than the worklist", expected)
    with database.write() as session:
        row = session.get(SubscriptionRow, (target, aet), with_for_update=True)
        if row is None:
            raise NotFound("subscription of", aet)
        row.suspended_at = row.suspended_at or time.time()


def _subscribe_to_all(session: Session, aet: str, lock: bool) -> None:
    known = session.get(SubscriptionRow, (WORKLIST, aet), with_for_update=True)
    was_told = known is not None and known.suspended_at is None
    own = _own(session, aet)
    session.execute(
        delete(SubscriptionRow).where(SubscriptionRow.aet == aet, ~SubscriptionRow.subscribed)
    )
    session.merge(subscription(WORKLIST, aet, lock=lock))
    if lock and not was_told:
        told = {uid for uid, subscribed in own.items() if subscribed}
        steps = session.execute(select(WorkitemRow.sop_instance_uid, WorkitemRow.dataset))
        _tell(session, aet, (json.loads(step) for uid, step in steps if uid not in told))


def _subscribe_to_matches(
    session: Session, aet: str, lock: bool, filter: str, *, sqlite: bool
) -> None:
    if not filter:
        raise UnusableSubscription("no filter", "filter=attribute=value (PS3.18 11.10.1.2)")
    wanted = filter_conditions(filter)
    general = subscription(FILTERED_WORKLIST, aet, lock=lock, filter=filter)
    own = _own(session, aet)
    new = [
        (uid, step)
        for uid, step in every_match(session, wanted, sqlite=sqlite)
        if not own.get(uid, False)
    ]
    session.merge(general)
    for uid, _ in new:
        session.merge(own_subscription(uid, general))
    if lock:
        _tell(session, aet, (step for _, step in new))


def _unsubscribe_from_all(session: Session, target: str, aet: str) -> None:
    """Of the filtered worklist: what its filter found, and what was subscribed to one by one."""
    of_ae = SubscriptionRow.aet == aet
    kept = [WORKLIST] if target == FILTERED_WORKLIST else []
    found = session.scalars(select(SubscriptionRow.workitem_uid).where(of_ae)).all()
    if not found or (kept and target not in found):
        raise NotFound("subscription of", aet)
    session.execute(delete(SubscriptionRow).where(of_ae, SubscriptionRow.workitem_uid.not_in(kept)))
    if not set(found) & set(kept):
        session.execute(delete(NotificationRow).where(NotificationRow.aet == aet))


def _own(session: Session, aet: str) -> dict[str, bool]:
    """Whether it is subscribed, of each workitem of which that was said."""
    query = select(SubscriptionRow.workitem_uid, SubscriptionRow.subscribed)
    found = session.execute(
        query.where(SubscriptionRow.aet == aet, SubscriptionRow.workitem_uid.not_in(_GENERAL))
    )
    return {uid: subscribed for uid, subscribed in found}


def _tell(session: Session, aet: str, steps: Iterable[Any]) -> None:
    """Where each workitem stands now."""
    now, waiting = time.time(), []
    for step in steps:
        waiting.append({"aet": aet, "at": now, "report": json.dumps(state_report(step))})
        if len(waiting) == _AT_ONCE:
            session.execute(insert(NotificationRow), waiting)
            waiting.clear()
    if waiting:
        session.execute(insert(NotificationRow), waiting)


def _keys_of(text: str) -> Sequence[tuple[str, str]]:
    """attribute=value pairs at commas; a piece without `=` goes on with the list before it."""
    keys: list[tuple[str, str]] = []
    for piece in text.split(","):
        name, equals, value = piece.partition("=")
        if equals:
            keys.append((name.strip(), value))
        elif keys:
            keys[-1] = (keys[-1][0], f"{keys[-1][1]},{piece}")
        else:
            raise UnusableSubscription("a filter without `=`", "filter=attribute=value,...")
    return keys
