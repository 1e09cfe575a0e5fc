"""What is forgotten in time, on both databases."""

import time

from gateway.chores import forget_events
from gateway.engine import JobQueue, Worker
from gateway.store.tables import EventRow
from tests.gateway.test_engine import Recorder, order


def test_old_lines_of_traces_are_forgotten_and_new_ones_stay(database):
    with database.write() as session:
        for at in (1.0, 2.0, 100.0):
            session.add(EventRow(study_instance_uid="1.2", at=at, kind="received"))

    assert forget_events(database, 50.0) == 2

    with database.read() as session:
        assert [row.at for row in session.query(EventRow)] == [100.0]


def test_ended_jobs_are_forgotten_and_open_ones_stay(database, tmp_path):
    perform, queue = Recorder(), JobQueue(database)
    worker = Worker(database, tmp_path, 0, perform)
    worker.start()
    with database.write() as session:
        order(session, queue, "1.1")
        order(session, queue, "1.2", put_offs=1, not_before=time.time() + 600)
    perform.wait_for(lambda calls: calls == ["1.1"])
    deadline = time.monotonic() + 30
    while not (forgotten := queue.forget(time.time() + 60)) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert forgotten == 1
    assert queue.forget(time.time() + 60) == 0
    queue.close()
    worker.stop()
