"""The engine on both databases, with real DBOS: once, again when put off, together with the row."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from gateway.engine import JobQueue, Worker
from gateway.jobs import Job
from gateway.store.database import Database
from gateway.store.tables import WorkitemRow

SECONDS = 30.0


class Recorder:
    """A job body that remembers its calls and fails as told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.counted: list[bool] = []
        self.failures: list[Exception] = []
        self.hold = threading.Lock()  # whoever has it keeps every job from its end
        self._called = threading.Condition()

    def __call__(self, job: Job, *, counts: bool) -> None:
        with self._called:
            self.calls.append(job.workitem_uid)
            self.counted.append(counts)
            self._called.notify_all()
            failure = self.failures.pop(0) if self.failures else None
        with self.hold:
            if failure is not None:
                raise failure

    def wait_for(self, condition: Callable[[list[str]], bool]) -> None:
        with self._called:
            assert self._called.wait_for(lambda: condition(self.calls), SECONDS), self.calls


@pytest.fixture
def perform() -> Recorder:
    return Recorder()


@pytest.fixture
def queue(database: Database, tmp_path: Path, perform: Recorder):
    worker = Worker(database, tmp_path, 0, perform)
    worker.start()
    queue = JobQueue(database)
    yield queue
    queue.close()
    worker.stop()


def order(session: Session, jobs: JobQueue, uid: str, **columns: object) -> None:
    """A workitem with little but a name, and the job for it."""
    row = WorkitemRow(
        sop_instance_uid=uid,
        study_instance_uid="1.2",
        series_instance_uid="1.2.1",
        procedure_step_state="SCHEDULED",
        model_name="quick",
        model_version="1",
        model_digest="ab",
        dataset="{}",
        created_at=time.time(),
        **{"priority": "MEDIUM", "queue": "cpu", "put_offs": 0} | columns,
    )
    session.merge(row)
    session.flush()
    jobs.enqueue(session, uid)


def test_the_same_workitem_is_performed_once(queue, database, perform):
    for _ in range(3):
        with database.write() as session:
            order(session, queue, "1.2.3")
    with database.write() as session:
        order(session, queue, "1.2.4")

    perform.wait_for(lambda calls: "1.2.4" in calls)
    time.sleep(0.5)
    assert sorted(perform.calls) == ["1.2.3", "1.2.4"]


def test_a_job_and_its_row_come_together_or_not_at_all(queue, database, perform):
    with database.engine.connect() as connection, Session(connection) as session:
        order(session, queue, "1.2.5")
        session.rollback()
    with database.write() as session:
        order(session, queue, "1.2.6")

    perform.wait_for(lambda calls: "1.2.6" in calls)
    time.sleep(0.5)
    assert perform.calls == ["1.2.6"]


def test_a_job_is_done_again_when_the_database_was_away_or_it_failed_unexpectedly(
    queue, database, perform
):
    perform.failures = [OperationalError("", {}, OSError("gone")), RuntimeError("a bug")]
    with database.write() as session:
        order(session, queue, "1.2.7")

    perform.wait_for(lambda calls: calls.count("1.2.7") == 3)
    assert perform.counted == [True, False, True]


def test_a_workitem_that_was_put_off_has_another_job_later(queue, database, perform):
    started = time.time()
    with database.write() as session:
        order(session, queue, "1.2.8")
        order(session, queue, "1.2.8", put_offs=1, not_before=started + 2)

    perform.wait_for(lambda calls: calls.count("1.2.8") == 2)
    assert time.time() >= started + 2


def test_what_is_urgent_overtakes_what_waits(database, tmp_path, perform):
    queue = JobQueue(database)
    worker = Worker(database, tmp_path, 0, perform)
    worker.start()  # makes the engine's tables
    perform.hold.acquire()
    with database.write() as session:
        order(session, queue, "1.0")
    perform.wait_for(lambda calls: calls == ["1.0"])
    with database.write() as session:
        for number in range(50):
            order(session, queue, f"1.3.{number}", priority="LOW" if number == 0 else "MEDIUM")
        order(session, queue, "1.4.1", priority="HIGH", stage="shadow")
        order(session, queue, "1.4", priority="HIGH")
    perform.hold.release()

    perform.wait_for(lambda calls: len(calls) >= 10)
    queue.close()
    worker.stop()
    assert perform.calls[1:3] == ["1.4", "1.4.1"]
    assert "1.3.0" not in perform.calls


def test_a_worker_takes_only_from_its_queues(database, tmp_path, perform):
    queue = JobQueue(database)
    worker = Worker(database, tmp_path, 0, perform, queues=["gpu"])
    worker.start()
    with database.write() as session:
        order(session, queue, "1.5", queue="cpu")
        order(session, queue, "1.6", queue="gpu")

    perform.wait_for(lambda calls: "1.6" in calls)
    time.sleep(0.5)
    queue.close()
    worker.stop()
    assert perform.calls == ["1.6"]
