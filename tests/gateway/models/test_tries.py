"""Trying a version on a stored study: what it found is told, and nothing of it is published."""

import io

import pydicom
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from adapters.runtimes.errors import ModelTimedOut
from ai_models.contract import NoResult
from gateway.dispatch import Dispatch
from gateway.models import tries
from gateway.store.tables import (
    FhirRow,
    InstanceRow,
    ModelRow,
    ShadowObjectRow,
    StudyRow,
    WorkitemRow,
)
from tests.gateway.late_example import SOURCE, Growing, complete
from tests.gateway.late_example import STUDY as CHEST

SERIES = str(SOURCE[0].SeriesInstanceUID)
MODEL = "/api/v1/models/lung_ct"


@pytest.fixture
def house(database, tmp_path) -> Growing:
    """A complete chest CT, and lung_ct as a draft that no rule may run."""
    made = complete(database, tmp_path)
    with database.write() as session:
        put_into(session, "draft")
    return made


def put_into(session: Session, stage: str) -> None:
    session.execute(update(ModelRow).values(stage=stage))


def path_of(house: Growing) -> str:
    return f"{MODEL}/{house.client.get(MODEL).json()[0]['version']}"


def ask(house: Growing, **more):
    return house.client.post(f"{path_of(house)}/try", json={"study_instance_uid": CHEST, **more})


def rows(house: Growing, table) -> list:
    with house.parts.database.read() as session:
        return list(session.scalars(select(table)))


def test_a_draft_is_tried_at_once_and_tells_what_it_found_and_how_long_it_took(house):
    instances = len(rows(house, InstanceRow))
    reply = ask(house, series_instance_uids=[SERIES])
    assert reply.status_code == 202, reply.text
    where = reply.headers["location"].removeprefix("http://testserver")
    waiting = house.client.get(where).json()
    assert (waiting["procedure_step_state"], waiting["result"]) == ("SCHEDULED", None)

    Dispatch(house.parts.database, house).sweep()
    assert house.jobs == [waiting["workitem_uid"]]
    row = house.row(waiting["workitem_uid"])
    assert (row.priority, row.stage, row.rule) == ("HIGH", "shadow", "(try)")
    with house.parts.database.write() as session:
        session.get_one(WorkitemRow, row.sop_instance_uid).put_offs = 0  # jobs here count none
    house.works(row.sop_instance_uid)

    found = house.client.get(where).json()
    assert (found["outcome"], found["progress"]) == ("DONE", 100)
    assert [step["name"] for step in found["steps"]][-2:] == ["encode", "archive"]
    assert {one["concept"] for one in found["result"]["measurements"]}
    for one in found["result"]["objects"]:
        content = house.client.get(one["url"].removeprefix("http://testserver")).content
        assert pydicom.dcmread(io.BytesIO(content)).SOPInstanceUID == one["sop_instance_uid"]
    assert len(rows(house, InstanceRow)) == instances
    assert rows(house, FhirRow) == []
    assert house.results() == []


def test_each_try_runs_anew_under_uids_of_its_own(house):
    uids = [ask(house).json()["workitem_uid"] for _ in range(2)]
    house.works(*uids)
    first, second = (house.client.get(f"{path_of(house)}/tries/{uid}").json() for uid in uids)
    objects = [{one["sop_instance_uid"] for one in t["result"]["objects"]} for t in (first, second)]
    assert objects[0].isdisjoint(objects[1])
    listed = house.client.get(f"{path_of(house)}/tries").json()
    assert [one["workitem_uid"] for one in listed] == uids[::-1]


def test_a_refusal_is_told_and_is_no_dead_letter_and_no_replay(house):
    house.runtime.error = NoResult("lungs", "no lung was found", "two lungs")
    uid = ask(house).json()["workitem_uid"]
    house.works(uid)
    found = house.client.get(f"{path_of(house)}/tries/{uid}").json()
    assert (found["outcome"], "no lung was found" in found["reason"]) == ("NO_RESULT", True)
    assert "no lung was found" in found["result"]["reason"]

    house.runtime.error = RuntimeError("a fault of the model")
    uid = ask(house).json()["workitem_uid"]
    for _ in range(6):
        house.works(uid)
        with house.parts.database.write() as session:
            session.get_one(WorkitemRow, uid).put_offs = 0
    assert house.row(uid).outcome == "FAILED"
    assert house.client.get("/api/v1/workitems?dead=true").json() == []
    reply = house.client.post(f"/api/v1/workitems/{uid}/replay")
    assert (reply.status_code, "try it again" in reply.json()["detail"]) == (409, True)


def test_work_of_a_retired_version_is_not_replayed(house):
    database = house.parts.database
    with database.write() as session:
        put_into(session, "live")
    (uid,) = house.completes()
    house.runtime.error = ModelTimedOut(1)
    house.works(uid)
    with database.write() as session:
        put_into(session, "retired")
    reply = house.client.post(f"/api/v1/workitems/{uid}/replay")
    assert (reply.status_code, "is retired" in reply.json()["detail"]) == (409, True), reply.text


def test_what_cannot_be_tried_says_why(house):
    def told(status: int, **order) -> str:
        reply = ask(house, **order)
        assert reply.status_code == status, reply.text
        return reply.json()["detail"]

    assert "1.2.3" in told(404, study_instance_uid="1.2.3")
    assert "1.2.4" in told(404, series_instance_uids=["1.2.4"])
    assert "surprise" in told(422, surprise=1)
    assert house.client.post(f"{MODEL}/0/try", json={}).status_code in (404, 422)
    path = path_of(house)
    with house.parts.database.write() as session:
        session.get_one(StudyRow, CHEST).state = "RECEIVING"
    assert "still arriving" in told(409)
    with house.parts.database.write() as session:
        session.get_one(StudyRow, CHEST).state = "COMPLETE"
        put_into(session, "retired")
    assert "promote it" in told(409)
    assert house.client.get(f"{path}/tries/1.2.3").status_code == 404
    assert house.client.get(f"{MODEL}/0/tries").status_code == 404
    made = house.client.post("/api/v1/tokens", json={"name": "u", "role": "user"}).json()
    user = {"Authorization": f"Bearer {made['token']}"}
    for answer in (
        house.client.post(f"{path}/try", json={"study_instance_uid": CHEST}, headers=user),
        house.client.get(f"{path}/tries", headers=user),
    ):
        assert answer.status_code == 403


def test_what_was_found_is_forgotten_after_a_while_and_with_the_study(house):
    uids = [ask(house).json()["workitem_uid"] for _ in range(2)]
    house.works(*uids)
    database = house.parts.database
    assert tries.forget(database, house.row(uids[0]).ended_at or 0.0) == 0
    assert tries.forget(database, house.row(uids[1]).ended_at or 0.0) == 1
    found = house.client.get(f"{path_of(house)}/tries/{uids[0]}").json()
    assert (found["outcome"], found["result"]) == ("DONE", None)
    assert {row.workitem_uid for row in rows(house, ShadowObjectRow)} == {uids[1]}

    assert house.client.delete(f"/dicom-web/studies/{CHEST}").status_code == 204
    assert rows(house, ShadowObjectRow) == []
