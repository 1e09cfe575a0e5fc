"""Completion on both databases: a study is complete once, when the evidence says so."""

import time

from sqlalchemy import select

from gateway.completion import COMPLETE, RECEIVING, Completion, QuietTime, note_arrival
from gateway.store.database import Database
from gateway.store.tables import EventRow, StudyRow


def add_study(database: Database, uid: str) -> None:
    with database.write() as session:
        session.add(StudyRow(study_instance_uid=uid, attributes="{}", created_at=0, updated_at=0))


def arrive(database: Database, uid: str, seconds_ago: float) -> None:
    with database.write() as session:
        note_arrival(session, [uid], time.time() - seconds_ago)


def state(database: Database, uid: str) -> tuple[str, int]:
    with database.read() as session:
        row = session.get(StudyRow, uid)
        return row.state, row.generation


def completion(database: Database, quiet: float = 10) -> tuple[Completion, list[str]]:
    completed: list[str] = []
    on_complete = lambda _session, study, _row: completed.append(study.study_instance_uid)  # noqa: E731
    return Completion(database, QuietTime(quiet), on_complete), completed


def test_a_study_is_complete_after_the_quiet_time_and_only_once(database):
    add_study(database, "1.1")
    add_study(database, "1.2")
    arrive(database, "1.1", seconds_ago=11)
    arrive(database, "1.2", seconds_ago=9)
    swept, completed = completion(database)

    assert swept.sweep() == 1
    assert swept.sweep() == 0

    assert completed == ["1.1"]
    assert state(database, "1.1") == (COMPLETE, 1)
    assert state(database, "1.2") == (RECEIVING, 0)


def test_a_late_instance_opens_the_study_again(database):
    add_study(database, "1.1")
    arrive(database, "1.1", seconds_ago=11)
    swept, completed = completion(database)
    swept.sweep()

    arrive(database, "1.1", seconds_ago=0)
    assert state(database, "1.1") == (RECEIVING, 1)
    assert swept.sweep() == 0
    arrive(database, "1.1", seconds_ago=11)
    assert swept.sweep() == 1

    assert completed == ["1.1", "1.1"]
    assert state(database, "1.1") == (COMPLETE, 2)


def test_the_evidence_that_fired_is_in_the_trace(database):
    add_study(database, "1.1")
    arrive(database, "1.1", seconds_ago=11)
    completion(database)[0].sweep()

    with database.read() as session:
        event = session.scalars(select(EventRow).where(EventRow.kind == "complete")).one()
    assert '"evidence": "quiet_time"' in event.detail


def test_a_study_that_cannot_be_routed_stays_open_and_holds_up_no_other(database):
    add_study(database, "1.1")
    add_study(database, "1.2")
    arrive(database, "1.1", seconds_ago=11)
    arrive(database, "1.2", seconds_ago=11)

    def route(_session, study, _row):
        if study.study_instance_uid == "1.1":
            raise RuntimeError("routing broke")

    assert Completion(database, QuietTime(10), route).sweep() == 1
    assert state(database, "1.1") == (RECEIVING, 0)
    assert state(database, "1.2") == (COMPLETE, 1)
    assert completion(database)[0].sweep() == 1  # a sound router completes it later
