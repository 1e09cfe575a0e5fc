"""What UPS-RS refuses because of what a request holds, never with a status of 500 and more."""

import pytest

from adapters.memory import MemoryArchive
from gateway import services
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.migrate import migrate
from tests.gateway.ups.example import (
    COMPLETED,
    IN_PROGRESS,
    JSON,
    PRIORITY,
    STATE,
    TRANSACTION,
    element,
    new_uid,
    order,
    progress,
    worklist,
)


@pytest.fixture(scope="module")
def ups(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ups")
    database = Database(f"sqlite:///{folder / 'airgate.db'}")
    migrate(database)
    settings = Settings(data=folder, archive="folder", token="a-token-for-tests")
    with worklist(services.build(settings, MemoryArchive(), database)) as ups:
        yield ups
    database.close()


@pytest.mark.parametrize("tag", [PRIORITY, "00741204", "00404005", "00404041", STATE])
@pytest.mark.parametrize("given", [None, element("CS")])
def test_without_a_value_of_type_1_nothing_is_created_sc_43(ups, tag, given):
    uid = new_uid()
    reply = ups.send("POST", f"/workitems?{uid}", order({tag: given}))
    assert reply.status_code == 400
    assert f"({tag[:4]},{tag[4:]})" in reply.json()["detail"]
    assert ups.http.get(f"/workitems/{uid}").status_code == 404


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({STATE: element("CS", IN_PROGRESS)}, "SCHEDULED"),
        ({STATE: element("CS", "DONE")}, "SCHEDULED"),
        ({PRIORITY: element("CS", "URGENT")}, "HIGH or MEDIUM or LOW"),
        ({"00404041": element("CS", "SOON")}, "READY"),
        ({"00404005": element("DT", "tomorrow")}, "ScheduledProcedureStepStartDateTime"),
        ({TRANSACTION: element("UI", "1.2.3")}, "TransactionUID"),
        ({"00001000": element("UI", "1.2.3")}, "group 0000"),
        ({"00741216": element("SQ", {"00404050": element("DT", "2026")})}, "when it is created"),
        ({"00404018": element("SQ", {"00080100": element("SH", "x")})}, "Code Meaning"),
        ({"00080018": element("UI", "1.2.3")}, "same one"),
        ({"00741204": element("LO", 5)}, "00741204"),
        ({"00404021": element("LT", "no sequence")}, "VR SQ"),
        ({"7FE00010": {"vr": "OW", "BulkDataURI": "http://nowhere"}}, "bulk data"),
    ],
)
def test_what_no_workitem_may_begin_with_is_refused_sc_43(ups, changes, told):
    reply = ups.send("POST", f"/workitems?{new_uid()}", order(changes))
    assert reply.status_code == 400
    assert told in reply.json()["detail"]
    assert "Doe" not in reply.text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({STATE: element("CS", COMPLETED)}, "ProcedureStepState"),
        ({"00080018": element("UI", "1.2.3")}, "SOPInstanceUID"),
        ({"00100010": element("PN", {"Alphabetic": "Roe^Jim"})}, "PatientName"),
        ({PRIORITY: element("CS")}, "ScheduledProcedureStepPriority"),
        ({PRIORITY: element("CS", "URGENT")}, "HIGH"),
        (progress("half"), "00741004"),
    ],
)
def test_what_an_update_may_not_touch_is_refused_whole_sc_45(ups, changes, told):
    uid = ups.create()
    before = ups.step(uid)
    reply = ups.update(uid, "", {"00741204": element("LO", "New label"), **changes})
    assert reply.status_code == 400
    assert told in reply.json()["detail"]
    assert "Roe" not in reply.text
    assert ups.step(uid) == before


BAD_BODIES = [
    (b"", JSON, 400),
    (b"{", JSON, 400),
    (b"[]", JSON, 400),
    (b"[{},{}]", JSON, 400),
    (b"[1]", JSON, 400),
    (b'"text"', JSON, 400),
    (b"\xff\xfe", JSON, 400),
    (b'[{"00741000": 5}]', JSON, 400),
    (b'[{"00741000": {"vr": "CS", "Value": "SCHEDULED"}}]', JSON, 400),
    (b'[{"nonsense": {"vr": "CS"}}]', JSON, 400),
    (b"[" * 5000, JSON, 400),
    (b'[{"00741002":{"vr":"SQ","Value":[' * 200 + b"]}}]" * 200, JSON, 400),
    (b"<no", "application/dicom+xml", 400),
    (b"a=b", "application/x-www-form-urlencoded", 415),
    (b"[{}]", "text/plain", 415),
    (b"[{}]", "", 415),
    (b"--BB--\r\n", 'multipart/related; type="application/dicom+xml"; boundary=BB', 400),
    (b"[" + b" " * (2 << 20) + b"{}]", JSON, 413),
]


@pytest.mark.parametrize(("content", "content_type", "status"), BAD_BODIES)
def test_a_body_that_is_no_data_set_is_refused_by_every_transaction(
    ups, content, content_type, status
):
    uid = ups.create()
    before = ups.step(uid)
    headers = {"Content-Type": content_type}
    for method, path in (
        ("POST", "/workitems"),
        ("POST", f"/workitems/{uid}"),
        ("PUT", f"/workitems/{uid}/state"),
        ("POST", f"/workitems/{uid}/cancelrequest"),
    ):
        if not content and path.endswith((uid, "cancelrequest")):
            continue  # an update of nothing, a request without a reason
        reply = ups.http.request(method, path, content=content, headers=headers)
        assert reply.status_code == status, (method, path, reply.text)
    assert ups.step(uid) == before


def test_a_uid_that_is_none_is_refused_and_an_unknown_workitem_not_found(ups):
    uid = ups.create()
    assert ups.change(uid, IN_PROGRESS, "mine").status_code == 400
    assert ups.update(uid, "", {TRANSACTION: element("UI", "mine")}).status_code == 400
    assert ups.send("POST", "/workitems?workitem=mine", order()).status_code == 400
    assert ups.send("POST", f"/workitems?{new_uid()}&{new_uid()}", order()).status_code == 400
    for unknown in (new_uid(), "nonsense", "%00", "1" * 500):
        assert ups.http.get(f"/workitems/{unknown}").status_code in (400, 404)
        assert ups.change(unknown, IN_PROGRESS, "1.2.3").status_code in (400, 404)
        assert ups.update(unknown, "", progress("1")).status_code in (400, 404)
