"""Subscribing to the worklist, and what is told of it (PS3.4 CC.2.3 and CC.2.4)."""

import itertools
import json

import pytest
from sqlalchemy import select

from gateway.store.tables import NotificationRow, SubscriptionRow
from gateway.ups.notifications import KEPT_SECONDS, forget_old, minding
from tests.gateway.ups.channels import (
    ASSIGNED,
    CANCEL_REQUESTED,
    PROGRESS_REPORT,
    STATE_REPORT,
    STATUS_CHANGE,
    brief,
    subscribe,
)
from tests.gateway.ups.example import (
    CANCELED,
    COMPLETED,
    FILTERED,
    IN_PROGRESS,
    SCHEDULED,
    WORKLIST,
    code,
    element,
    new_uid,
    performed,
    progress,
)

_numbers = itertools.count()
QUIET = {"00404025": None}  # no station, so that nothing is told of an assignment


@pytest.fixture
def aet() -> str:
    return f"AE{next(_numbers)}"


@pytest.fixture
def told(parts, aet):
    """What waits for the AE since it was last asked, in brief; none of it is told again."""

    def since() -> list[tuple[int, str, str]]:
        with parts.database.write() as session:
            query = select(NotificationRow).where(NotificationRow.aet == aet)
            rows = session.scalars(query.order_by(NotificationRow.id)).all()
            for row in rows:
                session.delete(row)
            return [brief(json.loads(row.report)) for row in rows]

    return since


@pytest.fixture(autouse=True)
def _leave_none(parts):
    """Each test subscribes to the worklist that all of them share."""
    yield
    with parts.database.write() as session:
        session.query(SubscriptionRow).delete()


def test_a_subscriber_of_one_workitem_is_told_where_it_stands_and_of_each_change_sc_49(
    ups, aet, told
):
    uid, other = ups.create(QUIET), ups.create(QUIET)
    reply = subscribe(ups, uid, aet)
    assert (reply.status_code, reply.content) == (201, b"")
    where = f"{ups.root.replace('http', 'ws')}/dicom-web/subscribers/{aet}"
    assert reply.headers["content-location"] == where
    assert told() == [(STATE_REPORT, uid, SCHEDULED)]

    transaction = ups.claim(uid)
    ups.claim(other)
    ups.update(uid, transaction, progress("40"))
    ups.update(uid, transaction, progress("40"))  # nothing new
    ups.update(uid, transaction, performed())
    ups.change(uid, COMPLETED, transaction)
    assert told() == [
        (STATE_REPORT, uid, IN_PROGRESS),
        (PROGRESS_REPORT, uid, "40"),
        (STATE_REPORT, uid, COMPLETED),
    ]


def test_input_readiness_and_assignment_are_told(ups, aet, told):
    uid = ups.create(QUIET)
    subscribe(ups, uid, aet)
    told()
    ups.update(uid, "", {"00404041": element("CS", "UNAVAILABLE")})
    ups.update(uid, "", {"00404025": element("SQ", code("S1"))})
    assert told() == [(STATE_REPORT, uid, SCHEDULED), (ASSIGNED, uid, "")]


def test_the_worklist_as_a_whole_is_told_of_new_workitems_too_sc_49(ups, aet, told):
    before = ups.create(QUIET)
    assert subscribe(ups, WORKLIST, aet).status_code == 201
    assert told() == []  # without a deletion lock nothing is told of what there is
    after = ups.create()
    ups.claim(before)
    assert told() == [
        (STATE_REPORT, after, SCHEDULED),
        (ASSIGNED, after, ""),
        (STATE_REPORT, before, IN_PROGRESS),
    ]


def test_with_a_deletion_lock_the_whole_worklist_is_told_first_sc_49(ups, aet, told):
    uids = {ups.create(QUIET), ups.completed(QUIET)}
    assert subscribe(ups, WORKLIST, aet, "?deletionlock=true").status_code == 201
    first = told()
    assert uids <= {uid for _, uid, _ in first}
    assert {event for event, _, _ in first} == {STATE_REPORT}
    assert len(first) == len({uid for _, uid, _ in first})
    subscribe(ups, WORKLIST, aet, "?deletionlock=true")
    assert told() == []  # it is subscribed to all of them already


def test_a_deletion_lock_keeps_a_final_workitem_retrievable_sc_49(ups, aet, parts):
    uid = ups.create(QUIET)
    assert subscribe(ups, uid, aet, "?deletionlock=true").status_code == 201
    with parts.database.read() as session:
        assert session.get(SubscriptionRow, (uid, aet)).deletion_lock
    transaction = ups.claim(uid)
    ups.update(uid, transaction, performed())
    ups.change(uid, COMPLETED, transaction)
    assert ups.state(uid) == COMPLETED


def test_a_filtered_subscriber_is_told_of_what_matches_now_or_later_sc_49(ups, aet, told):
    label = new_uid()[-12:]
    named = {**QUIET, "00741202": element("LO", label)}
    there, elsewhere = ups.create(named), ups.create(QUIET)
    query = f"?deletionlock=true&filter=00741202={label},ProcedureStepState=SCHEDULED"
    assert subscribe(ups, FILTERED, aet, query).status_code == 201
    assert told() == [(STATE_REPORT, there, SCHEDULED)]

    new = ups.create(named)
    ups.claim(there)  # no longer what was asked for, but subscribed to
    ups.claim(elsewhere)
    assert told() == [(STATE_REPORT, new, SCHEDULED), (STATE_REPORT, there, IN_PROGRESS)]
    moved = ups.create(QUIET)
    ups.update(moved, "", {"00741202": element("LO", label)})
    ups.claim(moved)
    assert told() == [(STATE_REPORT, moved, IN_PROGRESS)]


def test_filters_take_sequences_and_lists_as_searches_do(ups, aet, told):
    wanted = ups.create({**QUIET, "00404018": element("SQ", code("liver"))})
    query = "?filter=ScheduledWorkitemCodeSequence.CodeValue=liver&deletionlock=true"
    assert subscribe(ups, FILTERED, aet, query).status_code == 201
    query = f"?deletionlock=true&filter=SOPInstanceUID={wanted},{new_uid()}"
    assert subscribe(ups, FILTERED, aet, query).status_code == 201
    assert told() == [(STATE_REPORT, wanted, SCHEDULED)]


def test_who_unsubscribes_is_told_no_more_sc_49(ups, aet, told):
    uid = ups.create(QUIET)
    subscribe(ups, uid, aet)
    told()
    path = f"/workitems/{uid}/subscribers/{aet}"
    assert (ups.http.delete(path).status_code, ups.http.delete(path).status_code) == (200, 404)
    ups.claim(uid)
    assert told() == []


def test_one_workitem_can_be_left_out_of_the_worklist_and_taken_in_again(ups, aet, told):
    uid, other = ups.create(QUIET), ups.create(QUIET)
    subscribe(ups, WORKLIST, aet)
    assert ups.http.delete(f"/workitems/{uid}/subscribers/{aet}").status_code == 200
    ups.claim(uid)
    ups.claim(other)
    assert told() == [(STATE_REPORT, other, IN_PROGRESS)]
    subscribe(ups, WORKLIST, aet)
    ups.send("POST", f"/workitems/{uid}/cancelrequest", {})
    assert told() == [(CANCEL_REQUESTED, uid, "")]


def test_who_unsubscribes_from_the_worklist_is_told_nothing_at_all_sc_49(ups, aet, told):
    uid = ups.create(QUIET)
    subscribe(ups, uid, aet)
    subscribe(ups, WORKLIST, aet)
    path = f"/workitems/{WORKLIST}/subscribers/{aet}"
    assert (ups.http.delete(path).status_code, ups.http.delete(path).status_code) == (200, 404)
    ups.claim(uid)
    ups.create()
    assert told() == []


def test_a_suspended_subscriber_is_told_of_what_there_was_sc_49(ups, aet, told):
    subscribe(ups, WORKLIST, aet)
    before = ups.create(QUIET)
    told()
    path = f"/workitems/{WORKLIST}/subscribers/{aet}/suspend"
    assert ups.http.post(path).status_code == 200
    after = ups.create(QUIET)
    ups.claim(before)
    ups.claim(after)
    assert told() == [(STATE_REPORT, before, IN_PROGRESS)]
    subscribe(ups, WORKLIST, aet)
    newest = ups.create(QUIET)
    assert told() == [(STATE_REPORT, newest, SCHEDULED)]
    assert ups.http.post(f"/workitems/{FILTERED}/subscribers/{aet}/suspend").status_code == 404
    assert ups.http.post(f"/workitems/{before}/subscribers/{aet}/suspend").status_code == 400


def test_a_filtered_subscription_ends_without_the_other_one(ups, aet, told):
    subscribe(ups, WORKLIST, aet)
    subscribe(ups, FILTERED, aet, "?filter=ProcedureStepState=SCHEDULED")
    path = f"/workitems/{FILTERED}/subscribers/{aet}"
    assert (ups.http.delete(path).status_code, ups.http.delete(path).status_code) == (200, 404)
    uid = ups.create(QUIET)
    assert told() == [(STATE_REPORT, uid, SCHEDULED)]


def test_the_performer_outside_is_asked_to_cancel_sc_48(ups, aet, told, parts):
    uid = ups.create(QUIET)
    transaction = ups.claim(uid)
    subscribe(ups, uid, aet)
    told()
    request = {"00741238": element("LT", "wrong patient"), "0074100A": element("UR", "tel:1")}
    reply = ups.send("POST", f"/workitems/{uid}/cancelrequest", request)
    assert reply.status_code == 202
    assert ups.state(uid) == IN_PROGRESS
    with parts.database.read() as session:
        query = select(NotificationRow.report).where(NotificationRow.aet == aet)
        report = json.loads(session.scalar(query) or "")
    assert report["00001002"]["Value"] == [CANCEL_REQUESTED]
    assert report["00741236"] == {"vr": "AE", "Value": ["administrator"]}
    assert report["00741238"]["Value"] == ["wrong patient"]
    assert report["0074100A"]["Value"] == ["tel:1"]
    ups.change(uid, CANCELED, transaction)
    assert told() == [(CANCEL_REQUESTED, uid, ""), (STATE_REPORT, uid, CANCELED)]


def test_canceling_what_is_scheduled_is_told_as_both_its_steps(ups, aet, told):
    uid = ups.create(QUIET)
    subscribe(ups, uid, aet)
    told()
    ups.http.post(f"/workitems/{uid}/cancelrequest")
    reports = told()
    assert reports[0] == (STATE_REPORT, uid, IN_PROGRESS)
    assert (STATE_REPORT, uid, CANCELED) in reports[1:]


def test_a_restart_is_told_to_every_subscriber_and_what_nobody_fetches_is_dropped(
    parts, ups, aet, told
):
    uid = ups.create(QUIET)
    subscribe(ups, uid, aet)
    told()
    with minding(parts.database):
        assert told() == [(STATUS_CHANGE, WORKLIST, "")]
    ups.claim(uid)
    with parts.database.write() as session:
        for row in session.scalars(select(NotificationRow)):
            row.at -= KEPT_SECONDS + 1
    forget_old(parts.database)
    assert told() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", f"/workitems/{WORKLIST}/subscribers/SEVENTEEN-LETTERS-", 400),
        ("POST", f"/workitems/{WORKLIST}/subscribers/A%5CB", 400),
        ("POST", f"/workitems/{WORKLIST}/subscribers/%20", 400),
        ("POST", f"/workitems/{WORKLIST}/subscribers/%C3%A4", 400),
        ("POST", f"/workitems/{WORKLIST}/subscribers/A?deletionlock=perhaps", 400),
        ("POST", f"/workitems/{FILTERED}/subscribers/A", 400),
        ("POST", f"/workitems/{FILTERED}/subscribers/A?filter=LUNGS", 400),
        ("POST", f"/workitems/{FILTERED}/subscribers/A?filter=Nonsense=1", 400),
        ("POST", "/workitems/1.2.3/subscribers/A", 404),
        ("DELETE", "/workitems/1.2.3/subscribers/A", 404),
        ("DELETE", f"/workitems/{WORKLIST}/subscribers/A", 404),
        ("DELETE", f"/workitems/{FILTERED}/subscribers/A", 404),
        ("POST", f"/workitems/{WORKLIST}/subscribers/A/suspend", 404),
        ("GET", "/subscribers/A", 426),
        ("GET", "/subscribers/%20", 400),
    ],
)
def test_what_cannot_be_subscribed_to_is_refused(ups, method, path, status):
    assert ups.http.request(method, path).status_code == status
