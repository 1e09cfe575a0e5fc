"""Who is told of what happens to a workitem: event reports, kept until they are delivered.

They are rows, written in the transaction that changes the workitem, so that what any process does
reaches the subscriber's WebSocket in whichever process that is.
"""

import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.repeating import repeating
from gateway.search.attributes import Level
from gateway.search.parameters import parse_search
from gateway.store.database import Database
from gateway.store.tables import NotificationRow, SubscriptionRow, WorkitemRow
from standards.query import Condition, matches
from standards.ups_events import (
    FILTERED_WORKLIST,
    WORKLIST,
    reports_of_change,
    status_change,
)

Json = dict[str, Any]

KEPT_SECONDS = 3600.0  # what no WebSocket has fetched until then is dropped
_AGAIN_SECONDS = 600.0

log = logging.getLogger(__name__)


def publish(
    session: Session, row: WorkitemRow, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Tell the subscribers of a workitem what changed in its data set. before: {} of a new one."""
    aets = subscribers(session, row, after)  # also of what is not reported: a filter may match now
    notify(session, aets, list(reports_of_change(before, after)))


def subscribers(session: Session, row: WorkitemRow, step: Mapping[str, Any]) -> list[str]:
    """AE Titles of those subscribed to a workitem (PS3.4 Table CC.2.3-2).

    What was said of this one workitem goes before what was said of the worklist. A filter that
    matches for the first time makes a subscription of its own, which later changes do not end.
    """
    uids = (row.sop_instance_uid, WORKLIST, FILTERED_WORKLIST)
    query = select(SubscriptionRow).where(SubscriptionRow.workitem_uid.in_(uids))
    found = session.scalars(query).all()
    told = {one.aet: one.subscribed for one in found if one.workitem_uid == row.sop_instance_uid}
    for one in found:
        if one.aet in told or one.workitem_uid == row.sop_instance_uid:
            continue
        if one.workitem_uid == WORKLIST:
            if one.suspended_at is None or row.created_at <= one.suspended_at:
                told[one.aet] = True
        elif one.suspended_at is None and matches(filter_conditions(one.filter), step):
            told[one.aet] = True
            session.add(own_subscription(row.sop_instance_uid, one))
    return sorted(aet for aet, subscribed in told.items() if subscribed)


def own_subscription(workitem_uid: str, general: SubscriptionRow) -> SubscriptionRow:
    return subscription(workitem_uid, general.aet, lock=general.deletion_lock)


def subscription(
    workitem_uid: str, aet: str, *, subscribed: bool = True, lock: bool = False, filter: str = ""
) -> SubscriptionRow:
    """With every column said, so that merging it leaves nothing of an earlier one."""
    return SubscriptionRow(
        workitem_uid=workitem_uid,
        aet=aet,
        subscribed=subscribed,
        deletion_lock=lock,
        filter=filter,
        suspended_at=None,
    )


@lru_cache(maxsize=256)
def filter_conditions(text: str) -> Sequence[Condition]:
    """What a filter asks for. text: its name and value pairs as JSON."""
    asked = parse_search(Level.INSTANCE, {}, [(name, value) for name, value in json.loads(text)])
    return asked.all_conditions


def is_subscribed(database: Database, aet: str) -> bool:
    """Whether the AE has said that it wants to be told of anything."""
    query = select(SubscriptionRow.aet).where(SubscriptionRow.aet == aet).limit(1)
    with database.read() as session:
        return session.scalar(query) is not None


def notify(session: Session, aets: Iterable[str], reports: Sequence[Json]) -> None:
    """Keep the reports for each AE until its WebSocket takes them."""
    now = time.time()
    for aet in aets:
        for report in reports:
            session.add(NotificationRow(aet=aet, at=now, report=json.dumps(report)))


def minding(database: Database) -> AbstractContextManager[None]:
    """Tell every subscriber that the server is there again; drop now and then what nobody came for.

    PS3.4 CC.2.4.3 asks for the first, and PS3.18 8.10 for no queue at all.
    """
    with database.write() as session:
        aets = session.scalars(select(SubscriptionRow.aet).distinct()).all()
        notify(session, sorted(aets), [status_change("RESTARTED")])
    chore, failed = partial(forget_old, database), "old event reports stay for now"
    return repeating(chore, name="event reports", seconds=_AGAIN_SECONDS, failed=failed, log=log)


def forget_old(database: Database) -> None:
    before = time.time() - KEPT_SECONDS
    with database.write() as session:
        session.execute(delete(NotificationRow).where(NotificationRow.at < before))
