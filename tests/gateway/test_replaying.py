"""The dead letter: what is in it, how it is left, and who may order work again."""

import pytest

from gateway import replaying, worklist
from gateway.access import Role
from gateway.dispatch import Dispatch
from gateway.jobs import Job
from gateway.outcomes import Outcome
from gateway.store.tables import WorkitemRow
from gateway.tokens import Tokens
from tests.gateway.deletion_example import STUDY
from tests.gateway.test_retries import Work, work

__all__ = ["work"]


def end(work: Work, outcome: Outcome, uid: str = "") -> str:
    database = work.example.parts.database
    uid = uid or work.uid
    row = work.example.row(uid)
    claimed = worklist.claim(database, uid, row.put_offs)
    assert claimed is not None
    with database.write() as session:
        assert worklist.cancel(session, claimed, outcome, "for a test")
    return uid


def dead(work: Work) -> list[str]:
    found = work.example.client.get("/api/v1/workitems?dead=true").json()
    return [one["workitem_uid"] for one in found]


def dispatch(work: Work) -> list[Job]:
    Dispatch(work.example.parts.database, work.later).sweep()
    jobs, work.later.jobs = work.later.jobs, []
    return jobs


def replay(work: Work, uid: str):
    return work.example.client.post(f"/api/v1/workitems/{uid}/replay")


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMED_OUT])
def test_what_is_dead_is_replayed_with_one_click_and_leaves_the_dead_letter(work, outcome):
    uid = end(work, outcome)
    assert dead(work) == [uid]

    answer = replay(work, uid)

    assert answer.status_code == 201, answer.text
    again = answer.json()
    assert again["procedure_step_state"] == "SCHEDULED"
    assert again["replay_of"] == uid
    assert dead(work) == []
    assert dispatch(work) == [Job(again["workitem_uid"], 1)]
    assert dispatch(work) == []
    step = work.example.client.get(f"/dicom-web/workitems/{again['workitem_uid']}").json()[0]
    (replaced,) = step["00741224"]["Value"]  # Replaced Procedure Step Sequence
    assert replaced["00081155"]["Value"] == [uid]
    assert "00741002" not in step  # Procedure Step Progress Information
    assert "00741216" not in step  # UPS Performed Procedure


def test_a_replay_that_fails_is_dead_again_and_replayed_again(work):
    first = end(work, Outcome.FAILED)
    second = replay(work, first).json()["workitem_uid"]
    dispatch(work)
    end(work, Outcome.FAILED, second)
    assert dead(work) == [second]

    third = replay(work, second).json()

    assert third["replay_of"] == first
    assert dead(work) == []
    assert replay(work, first).status_code == 409


def test_what_a_replay_finds_takes_the_place_of_what_was_said_before(work):
    uid = end(work, Outcome.FAILED)
    again = replay(work, uid).json()["workitem_uid"]
    model = work.example.model

    first, second = (work.example.row(one) for one in (uid, again))
    assert worklist.repetition(first, model) == worklist.repetition(second, model) == ""


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.WITHDRAWN])
def test_what_gave_results_or_lost_its_inputs_is_not_replayed(work, outcome):
    if outcome is Outcome.DONE:
        claimed = worklist.claim(work.example.parts.database, work.uid)
        work.example.publish(claimed, work.example.results())
    else:
        end(work, outcome)

    answer = replay(work, work.uid)

    assert answer.status_code == 409
    assert f"its outcome is {outcome}" in answer.json()["detail"]


def test_what_later_work_has_the_place_of_is_neither_dead_nor_replayed(work):
    uid = end(work, Outcome.FAILED)
    with work.example.parts.database.write() as session:
        later = replaying.replay(session, uid, "a test")
        later.replay_of, later.supersedes = "", uid

    assert dead(work) == []
    answer = replay(work, uid)
    assert answer.status_code == 409
    assert f"{later.sop_instance_uid} has taken its place" in answer.json()["detail"]


def test_open_work_is_not_replayed(work):
    answer = replay(work, work.uid)

    assert answer.status_code == 409
    assert "wait for its end" in answer.json()["detail"]
    assert replay(work, "1.2.9").status_code == 404


def test_only_administrators_replay(work):
    uid = end(work, Outcome.FAILED)
    tokens = Tokens(work.example.parts.database)
    _, user = tokens.make("radiology", Role.USER, None, expires_at=None)
    headers = {"Authorization": f"Bearer {user}"}

    assert (
        work.example.client.post(f"/api/v1/workitems/{uid}/replay", headers=headers).status_code
        == 403
    )
    assert dead(work) == [uid]


def test_the_study_page_offers_the_replay_and_does_it(work):
    uid = end(work, Outcome.TIMED_OUT)
    client, action = work.example.client, f"/ui/workitems/{uid}/replay"
    assert action in client.get(f"/ui/studies/{STUDY}").text

    answer = client.post(action, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, f"/ui/studies/{STUDY}")
    page = client.get(f"/ui/studies/{STUDY}").text
    assert "/replay" not in page
    assert "Ordered again" in page


def test_work_that_is_put_off_and_to_be_canceled_is_not_waited_for(work):
    database = work.example.parts.database
    claimed = worklist.claim(database, work.uid)
    with database.write() as session:
        worklist.put_off(session, claimed, "the archive is away", 60, counts=False)
    assert dispatch(work) == []
    request_cancel(work, "not needed any more")

    (job,) = dispatch(work)
    work.example.pipeline.perform(job)

    row = work.example.row(work.uid)
    assert (row.outcome, row.reason) == ("CANCELED", "not needed any more")


def request_cancel(work: Work, reason: str) -> None:
    with work.example.parts.database.write() as session:
        row = session.get_one(WorkitemRow, work.uid)
        row.cancel_requested_at, row.cancel_reason = 1.0, reason
