"""UPS-RS over real HTTP, on both databases: transactions on one workitem (PS3.18 11.4 to 11.8)."""

import gzip
import json

import httpx
import pytest

from gateway import worklist as inside
from gateway.access import Role
from gateway.store.tables import EventRow, WorkitemRow
from gateway.tokens import Tokens
from tests.gateway.ups.example import (
    CANCELED,
    COMPLETED,
    IN_PROGRESS,
    JSON,
    PRIORITY,
    SCHEDULED,
    STATE,
    TRANSACTION,
    Worklist,
    code,
    element,
    new_uid,
    order,
    performed,
    progress,
    warning,
    worklist,
)

INCONSISTENT = "The submitted request is inconsistent with the state of the UPS Instance."
NOT_NOW = "The submitted request is inconsistent with the current state of the Workitem."
MISSING, INCORRECT = "The Transaction UID is missing.", "The Transaction UID is incorrect."
NOT_CLAIMED = "The target URI did not reference a claimed Workitem."
ALREADY = "The UPS is already in the requested state of {}."


def test_a_created_workitem_is_where_location_says_sc_43(ups):
    uid = new_uid()
    reply = ups.send("POST", f"/workitems?{uid}", order())
    url = f"{ups.root}/dicom-web/workitems/{uid}"
    assert (reply.status_code, reply.content) == (201, b"")
    assert (reply.headers["location"], reply.headers["content-location"]) == (url, url)
    assert warning(reply) == ""
    (step,) = ups.http.get(reply.headers["location"]).json()
    assert step[STATE]["Value"] == [SCHEDULED]
    assert step["00080016"]["Value"] == ["1.2.840.10008.5.1.4.34.6.1"]
    assert step["00080018"]["Value"] == [uid]
    assert "00404010" in step  # the moment of its last change
    assert step["00100010"]["Value"] == [{"Alphabetic": "Doe^Jane"}]

    again = ups.send("POST", f"/workitems?{uid}", order())
    assert again.status_code == 409
    assert uid in again.json()["detail"]


@pytest.mark.parametrize("name", ["workitem", "AffectedSOPInstanceUID", "in the data set", "none"])
def test_the_uid_of_a_new_workitem_may_be_told_in_any_published_way_sc_43(ups, name):
    uid = new_uid()
    query = f"?{name}={uid}" if name.isalpha() and name != "none" else ""
    changes = {"00080018": element("UI", uid)} if name == "in the data set" else {}
    reply = ups.send("POST", f"/workitems{query}", order(changes))
    assert reply.status_code == 201
    made = reply.headers["location"].rpartition("/")[2]
    assert made == uid or name == "none"
    assert ups.state(made) == SCHEDULED


def test_what_the_server_adds_is_told_by_a_warning(ups):
    uid = new_uid()
    reply = ups.send("POST", f"/workitems?{uid}", order({"00741202": None, "00380010": None}))
    assert reply.status_code == 201
    assert warning(reply) == "The Workitem was created with modifications."
    step = ups.step(uid)
    assert step["00741202"]["Value"] == ["AIRGATE"]
    assert step["00380010"] == {"vr": "LO"}


def test_a_claim_without_a_transaction_uid_is_refused_and_of_two_the_first_wins_sc_44(ups):
    uid = ups.create()
    for missing in (ups.change(uid, IN_PROGRESS, None), ups.change(uid, IN_PROGRESS, "")):
        assert (missing.status_code, warning(missing)) == (400, MISSING)
    assert ups.state(uid) == SCHEDULED

    first = ups.change(uid, IN_PROGRESS, "1.2.3")
    second = ups.change(uid, IN_PROGRESS, "1.2.4")
    assert (first.status_code, first.content, warning(first)) == (200, b"", "")
    assert (second.status_code, warning(second)) == (409, INCONSISTENT)
    assert "IN PROGRESS" in second.json()["detail"]
    assert ups.change(uid, IN_PROGRESS, "1.2.3").status_code == 409
    assert ups.state(uid) == IN_PROGRESS


def test_an_update_must_fit_the_claim_sc_45(ups):
    uid = ups.create()
    unclaimed = ups.update(uid, "1.2.3", progress("10"))
    assert (unclaimed.status_code, warning(unclaimed)) == (409, NOT_CLAIMED)
    assert ups.update(uid, "", {PRIORITY: element("CS", "HIGH")}).status_code == 200

    transaction = ups.claim(uid)
    without = ups.update(uid, "", progress("10"))
    assert (without.status_code, warning(without)) == (409, MISSING)
    foreign = ups.update(uid, new_uid(), progress("10"))
    assert (foreign.status_code, warning(foreign)) == (409, INCORRECT)
    assert transaction not in without.text + foreign.text
    fitting = ups.update(uid, transaction, progress("10"))
    assert (fitting.status_code, fitting.content, warning(fitting)) == (200, b"", "")
    step = ups.step(uid)
    assert step["00741002"]["Value"][0]["00741004"]["Value"] == [10]
    assert step[PRIORITY]["Value"] == ["HIGH"]


@pytest.mark.parametrize(
    "spelling",
    ["{}", "transaction-uid={}", "Transaction-uid={}", "transactionUID={}", "transaction={}", ""],
)
def test_the_transaction_uid_of_an_update_may_be_told_in_any_published_way(ups, spelling):
    uid = ups.create()
    transaction = ups.claim(uid)
    inside = {} if spelling else {TRANSACTION: element("UI", transaction)}
    query = "?" + spelling.format(transaction) if spelling else ""
    reply = ups.send("POST", f"/workitems/{uid}{query}", {**progress("10"), **inside})
    assert reply.status_code == 200
    assert TRANSACTION not in ups.step(uid)


def test_what_the_server_alone_sets_is_passed_over_with_a_warning(ups):
    uid = ups.create()
    reply = ups.update(uid, "", {"00404010": element("DT", "19700101")})
    assert (reply.status_code, warning(reply)) == (
        200,
        "The Workitem was updated with modifications.",
    )
    assert ups.step(uid)["00404010"]["Value"][0].startswith("20")


def test_the_transaction_uid_is_never_given_away_sc_46(ups):
    uid = ups.create()
    transaction = ups.claim(uid)
    xml = {"Accept": 'multipart/related; type="application/dicom+xml"'}
    answers = [
        ups.http.get(path, headers=headers)
        for path in (
            f"/workitems/{uid}",
            "/workitems",
            "/workitems?includefield=all",
            "/workitems?includefield=00081195",
        )
        for headers in ({}, xml)
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert uid in answer.text
        assert TRANSACTION not in answer.text
        assert transaction not in answer.text
    assert ups.found(f"TransactionUID={transaction}") == []


def test_completing_needs_what_the_final_state_asks_for_sc_47(ups):
    uid = ups.create()
    transaction = ups.claim(uid)
    assert ups.update(uid, transaction, performed(outputs=False)).status_code == 200
    too_early = ups.change(uid, COMPLETED, transaction)
    assert (too_early.status_code, warning(too_early)) == (409, INCONSISTENT)
    assert "OutputInformationSequence (0040,4033)" in too_early.json()["detail"]
    assert ups.state(uid) == IN_PROGRESS

    assert ups.update(uid, transaction, performed()).status_code == 200
    done = ups.change(uid, COMPLETED, transaction)
    assert (done.status_code, warning(done)) == (200, "")
    again = ups.change(uid, COMPLETED, transaction)
    assert (again.status_code, warning(again)) == (200, ALREADY.format(COMPLETED))
    wrong = ups.change(uid, COMPLETED, new_uid())
    assert (wrong.status_code, warning(wrong)) == (409, INCORRECT)
    other = ups.change(uid, CANCELED, transaction)
    assert (other.status_code, warning(other)) == (409, INCONSISTENT)
    late = ups.update(uid, transaction, progress("1"))
    assert (late.status_code, warning(late)) == (400, NOT_NOW)


def test_work_that_made_nothing_may_have_no_output_sc_47(ups):
    uid = ups.create()
    transaction = ups.claim(uid)
    done = performed(outputs=False)
    done["00741216"]["Value"][0]["00404033"] = element("SQ")
    assert ups.update(uid, transaction, done).status_code == 200
    assert ups.change(uid, COMPLETED, transaction).status_code == 200


def test_a_performer_cancels_with_two_requests_and_no_update(ups):
    uid = ups.create()
    transaction = ups.claim(uid)
    assert ups.change(uid, "CANCELLED", transaction).status_code == 200
    (item,) = ups.step(uid)["00741002"]["Value"]
    assert item["00404052"]["Value"][0].startswith("20")
    assert item["0074100E"]["Value"][0]["00080100"]["Value"] == ["110513"]
    again = ups.change(uid, CANCELED, transaction)
    assert (again.status_code, warning(again)) == (200, ALREADY.format(CANCELED))


def test_the_reason_that_a_performer_gave_stays(ups, parts):
    uid = ups.create()
    transaction = ups.claim(uid)
    told = {"00741238": element("LT", "no lungs"), "0074100E": element("SQ", code("X1"))}
    assert ups.update(uid, transaction, {"00741002": element("SQ", told)}).status_code == 200
    assert ups.change(uid, CANCELED, transaction).status_code == 200
    (item,) = ups.step(uid)["00741002"]["Value"]
    assert item["0074100E"]["Value"][0]["00080100"]["Value"] == ["X1"]
    with parts.database.read() as session:
        assert session.get(WorkitemRow, uid).reason == "no lungs"


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (SCHEDULED, SCHEDULED),
        (SCHEDULED, COMPLETED),
        (SCHEDULED, CANCELED),
        (IN_PROGRESS, SCHEDULED),
        (COMPLETED, IN_PROGRESS),
        (COMPLETED, CANCELED),
        (CANCELED, IN_PROGRESS),
        (CANCELED, COMPLETED),
    ],
)
def test_a_state_that_cannot_follow_is_refused(ups, state, wanted):
    uid, transaction = ups.create(), "1.2.3"
    if state != SCHEDULED:
        assert ups.change(uid, IN_PROGRESS, transaction).status_code == 200
        assert ups.update(uid, transaction, performed()).status_code == 200
    if state in (COMPLETED, CANCELED):
        assert ups.change(uid, state, transaction).status_code == 200
    reply = ups.change(uid, wanted, transaction)
    assert (reply.status_code, warning(reply)) == (409, INCONSISTENT)
    assert ups.state(uid) == state


def test_a_cancel_request_ends_what_is_scheduled_sc_48(ups, parts):
    uid = ups.create()
    reason = {"00741238": element("LT", "ordered twice"), "0074100E": element("SQ", code("X2"))}
    reply = ups.send("POST", f"/workitems/{uid}/cancelrequest", reason)
    assert (reply.status_code, warning(reply)) == (202, "")
    step = ups.step(uid)
    (item,) = step["00741002"]["Value"]
    assert step[STATE]["Value"] == [CANCELED]
    assert item["00741238"]["Value"] == ["ordered twice"]
    assert item["0074100E"]["Value"][0]["00080100"]["Value"] == ["X2"]
    again = ups.http.post(f"/workitems/{uid}/cancelrequest")  # without any body
    assert (again.status_code, warning(again)) == (202, ALREADY.format(CANCELED))
    with parts.database.read() as session:
        row = session.get(WorkitemRow, uid)
        assert (row.outcome, row.reason) == ("CANCELED", "ordered twice")
        kinds = [one.kind for one in session.query(EventRow).filter_by(workitem_uid=uid)]
    assert kinds == ["workitem_created", "canceled"]


def test_a_cancel_request_for_what_is_completed_or_out_of_reach_is_refused_sc_48(ups):
    done = ups.completed()
    reply = ups.http.post(f"/workitems/{done}/cancelrequest")
    assert (reply.status_code, warning(reply)) == (409, "The UPS is already COMPLETED.")
    held = ups.create()
    ups.claim(held)
    reply = ups.http.post(f"/workitems/{held}/cancelrequest")
    assert (reply.status_code, warning(reply)) == (409, "The performer cannot be contacted.")
    assert ups.http.post(f"/workitems/{new_uid()}/cancelrequest").status_code == 404


def test_a_worker_of_ours_is_asked_to_cancel_by_its_row_sc_48(ups, parts):
    uid = ups.create()
    claimed = inside.claim(parts.database, uid)
    assert claimed is not None
    reason = {"00741238": element("LT", "ordered twice")}
    reply = ups.send("POST", f"/workitems/{uid}/cancelrequest", reason)
    assert (reply.status_code, warning(reply)) == (202, "")
    assert ups.state(uid) == IN_PROGRESS
    with parts.database.read() as session:
        row = session.get(WorkitemRow, uid)
        assert row.cancel_requested_at is not None
        assert row.cancel_reason == "ordered twice"
    foreign = ups.change(uid, CANCELED, new_uid())
    assert (foreign.status_code, warning(foreign)) == (409, INCORRECT)


def test_who_performs_work_that_was_withdrawn_finds_that_it_is_over(ups, parts):
    uid = ups.create()
    transaction = ups.claim(uid)
    with parts.database.write() as session:
        inside.withdraw(session, session.get_one(WorkitemRow, uid), "the inputs were deleted")
    reply = ups.change(uid, COMPLETED, transaction)
    assert (reply.status_code, warning(reply)) == (409, INCONSISTENT)
    assert ups.update(uid, transaction, progress("1")).status_code == 400
    assert ups.state(uid) == CANCELED


def test_workitems_are_taken_and_given_as_xml_too(ups):
    uid = ups.create()
    xml = 'multipart/related; type="application/dicom+xml"'
    answer = ups.http.get(f"/workitems/{uid}", headers={"Accept": xml})
    assert answer.headers["content-type"].startswith("multipart/related")
    assert f'<Value number="1">{uid}</Value>' in answer.text
    root = 'xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM"'
    change = (
        f"<NativeDicomModel {root}>"
        '<DicomAttribute tag="00741200" vr="CS" keyword="ScheduledProcedureStepPriority">'
        '<Value number="1">HIGH</Value></DicomAttribute></NativeDicomModel>'
    )
    body = f"--BB\r\nContent-Type: application/dicom+xml\r\n\r\n{change}\r\n--BB--\r\n"
    for content, content_type in (
        (change, "application/dicom+xml"),
        (body, f"{xml}; boundary=BB"),
    ):
        assert ups.update(uid, "", {PRIORITY: element("CS", "LOW")}).status_code == 200
        reply = ups.http.post(
            f"/workitems/{uid}", content=content, headers={"Content-Type": content_type}
        )
        assert reply.status_code == 200, reply.text
        assert ups.step(uid)[PRIORITY]["Value"] == ["HIGH"]
    assert ups.http.get(f"/workitems/{uid}", headers={"Accept": "image/png"}).status_code == 406


def test_users_work_with_it_and_a_patients_token_sees_nothing_of_it(parts):
    tokens = Tokens(parts.database)
    _, of_user = tokens.make("vendor", Role.USER, None, None)
    _, of_patient = tokens.make("patient", Role.PATIENT, "P7", None)
    with worklist(parts) as served:
        vendor, patient = Worklist(served.root, of_user), Worklist(served.root, of_patient)
        uid = vendor.completed()
        for method, path in (
            ("GET", "/workitems"),
            ("POST", "/workitems"),
            ("GET", f"/workitems/{uid}"),
            ("POST", f"/workitems/{uid}"),
            ("PUT", f"/workitems/{uid}/state"),
            ("POST", f"/workitems/{uid}/cancelrequest"),
            ("POST", f"/workitems/{uid}/subscribers/ME"),
            ("DELETE", f"/workitems/{uid}/subscribers/ME"),
            ("GET", "/subscribers/ME"),
        ):
            reply = patient.send(method, path, {})
            assert reply.status_code == 403, (method, path)
            assert "Doe" not in reply.text
        with httpx.Client(base_url=f"{served.root}/dicom-web") as stranger:
            assert stranger.get("/workitems").status_code == 401


def test_a_body_may_come_compressed(ups):
    uid = new_uid()
    content = gzip.compress(json.dumps(order()).encode())
    headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    reply = ups.http.post(f"/workitems?{uid}", content=content, headers=headers)
    assert reply.status_code == 201
