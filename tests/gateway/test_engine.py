"""The engine on both databases, with real DBOS: once, again when put off, together with the row."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from gateway.engine import JobQueue, TryLater, Worker
from gateway.store.database import Database

SECONDS = 30.0


class Recorder:
    """A job body that remembers its calls and fails as told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failures: list[Exception] = []
        self._called = threading.Condition()

    def __call__(self, workitem_uid: str) -> None:
        with self._called:
            self.calls.append(workitem_uid)
            self._called.notify_all()
            if self.failures:
                raise self.failures.pop(0)

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


def test_the_same_workitem_is_performed_once(queue, database, perform):
    for _ in range(3):
        with database.write() as session:
            queue.enqueue(session, "1.2.3")
    with database.write() as session:
        queue.enqueue(session, "1.2.4")

    perform.wait_for(lambda calls: "1.2.4" in calls)
    time.sleep(0.5)
    assert sorted(perform.calls) == ["1.2.3", "1.2.4"]


def test_a_job_and_its_row_come_together_or_not_at_all(queue, database, perform):
    with database.engine.connect() as connection, Session(connection) as session:
        queue.enqueue(session, "1.2.5")
        session.flush()
        session.rollback()
    with database.write() as session:
        queue.enqueue(session, "1.2.6")

    perform.wait_for(lambda calls: "1.2.6" in calls)
    time.sleep(0.5)
    assert perform.calls == ["1.2.6"]


def test_a_job_that_is_put_off_or_fails_unexpectedly_is_tried_again(queue, database, perform):
    perform.failures = [TryLater("the archive is away"), RuntimeError("a broken database")]
    with database.write() as session:
        queue.enqueue(session, "1.2.7")

    perform.wait_for(lambda calls: calls.count("1.2.7") == 3)
