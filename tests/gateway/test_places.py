"""Places of a model on both databases: never too many at once, the most urgent first, none lost."""

import heapq
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier, Lock

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import places, worklist
from gateway.dispatch import Dispatch
from gateway.jobs import PRIORITIES, Job
from gateway.outcomes import Outcome
from gateway.store.database import Database
from gateway.store.tables import EventRow, WorkitemRow
from gateway.ups import operations, rows
from standards.ups import State
from standards.ups_rules import canonical
from tests.gateway.ups.example import PRIORITY, element, new_uid, order


@dataclass
class House:
    """Workers and their queue, without an engine: jobs in the order in which it gives them out."""

    database: Database
    jobs: list[tuple[int, int, Job]] = field(default_factory=list)
    made: int = 0
    lock: Lock = field(default_factory=Lock)

    def enqueue(self, session: Session, workitem_uid: str) -> None:
        row = session.get_one(WorkitemRow, workitem_uid)
        if places.ask(session, row):
            with self.lock:
                self.made += 1
                job = Job(workitem_uid, row.put_offs)
                heapq.heappush(self.jobs, (PRIORITIES[row.priority], self.made, job))

    def order(self, priority: str = "MEDIUM", **columns: object) -> str:
        """A workitem of a model with one place, and the job for it."""
        uid = new_uid()
        step = canonical(order({PRIORITY: element("CS", priority)}))
        row = WorkitemRow(
            sop_instance_uid=uid,
            study_instance_uid="1.2",
            series_instance_uid="1.2.1",
            created_at=time.time(),
            model_version="1",
            model_digest="ab",
            **{"model_name": "seat", "concurrency": 1} | columns,
        )
        with self.database.write() as session:
            rows.add(session, row, {**step, "00080018": element("UI", uid)})
            self.enqueue(session, uid)
        return uid

    def claim(self) -> WorkitemRow | None:
        """By a worker that takes the next job; None where there is none, or no place."""
        with self.lock:
            if not self.jobs:
                return None
            *_, job = heapq.heappop(self.jobs)
        return worklist.claim(self.database, job.workitem_uid, job.put_offs)

    def claims(self) -> str:
        """UID of what the next job leads to, which is performed now."""
        claimed = self.claim()
        assert claimed is not None
        return claimed.sop_instance_uid

    def end(self, uid: str) -> None:
        with self.database.write() as session:
            claimed = rows.locked(session, uid)
            assert worklist.cancel(session, claimed, Outcome.NO_RESULT, "nothing was seen")
        self.look()

    def look(self) -> int:
        return Dispatch(self.database, self).sweep()

    def row(self, uid: str) -> WorkitemRow:
        with self.database.read() as session:
            return session.get_one(WorkitemRow, uid)

    def put_off(self, uid: str) -> None:
        with self.database.write() as session:
            row = rows.locked(session, uid)
            assert worklist.put_off(session, row, "the archive is away", 0, counts=False)
            self.enqueue(session, uid)


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def at_once(workers: int, work: Callable[[], object]) -> list:
    """What each of so many threads returns that begin together."""
    barrier = Barrier(workers)

    def run(_: int) -> object:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(workers)))


def test_workers_that_claim_at_the_same_moment_get_no_more_places_than_there_are(house):
    for model in range(5):
        uids = [house.order(model_name=f"{model}", not_before=0.0, concurrency=2) for _ in "123456"]
        claimed = at_once(6, house.claim)
        assert sum(row is not None for row in claimed) == 2
        assert [house.row(uid).awaits_place for uid in uids].count(True) == 4


def test_many_workers_do_everything_and_never_too_much_at_once(house):
    performing, most, done = set(), [], []
    ordered = {house.order(concurrency=2) for _ in range(20)}

    def work() -> None:
        while len(done) < len(ordered):
            if (claimed := house.claim()) is None:
                house.look()
                continue
            uid = claimed.sop_instance_uid
            performing.add(uid)
            most.append(len(performing))
            time.sleep(0.005)
            performing.remove(uid)
            house.end(uid)
            done.append(uid)

    at_once(4, work)
    assert sorted(done) == sorted(ordered)
    assert max(most) <= 2


def test_what_stands_in_line_is_done_by_urgency_and_age(house):
    first = house.order()
    assert house.claims() == first
    low, medium, also_medium, high = [house.order(p) for p in ("LOW", "MEDIUM", "MEDIUM", "HIGH")]

    done = [first]
    for _ in range(4):
        house.end(done[-1])
        done.append(house.claims())
    assert done == [first, high, medium, also_medium, low]


def test_urgent_work_that_comes_late_overtakes_what_is_next(house):
    performed, waits = house.order(), house.order()
    assert house.claims() == performed
    house.end(performed)  # `waits` has its job now
    urgent = house.order("HIGH")

    assert house.claims() == urgent
    assert house.claim() is None
    house.end(urgent)
    assert house.claims() == waits


def test_work_in_line_keeps_no_worker_from_other_models(house):
    for _ in range(3):
        house.order()
    house.claims()
    other, unlimited = house.order(model_name="other"), house.order(concurrency=None)

    assert [house.claims(), house.claims()] == [other, unlimited]
    assert house.claim() is None


def test_nothing_is_written_while_nothing_changes(house):
    house.order()
    house.claims()
    waits = house.order()

    assert (house.look(), house.look()) == (0, 0)
    with house.database.read() as session:
        of_this = select(EventRow.kind).where(EventRow.workitem_uid == waits)
        assert session.scalars(of_this).all() == ["place_awaited"]


def test_what_a_dead_worker_had_keeps_its_place_until_it_is_taken_over_and_ended(house):
    had, waits = house.order(), house.order()
    assert house.claims() == had

    taken_over = worklist.claim(house.database, had)

    assert taken_over is not None
    assert taken_over.attempts == 2
    assert house.look() == 0
    house.end(had)
    assert house.claims() == waits


def test_work_that_is_put_off_makes_room_and_stands_in_line_afterwards(house):
    put_off, waits = house.order(), house.order()
    assert house.claims() == put_off
    house.put_off(put_off)
    house.look()

    assert house.claims() == put_off  # it is older
    house.put_off(put_off)
    house.order(model_name="other")
    assert house.row(waits).awaits_place


def test_what_leaves_the_line_is_not_waited_for(house):
    performed = house.order()
    house.claims()
    canceled, outside, last = house.order(), house.order(), house.order()
    assert operations.request_cancel(house.database, canceled, {}, "a token")
    operations.change_state(house.database, outside, State.IN_PROGRESS, new_uid(), "a performer")

    house.end(performed)

    assert house.claims() == last


def test_a_cancel_request_reaches_work_that_has_begun_and_stands_in_line_again(house):
    begun = house.order()
    house.claims()
    house.put_off(begun)
    urgent = house.order("HIGH")
    assert house.claims() == urgent
    assert house.claim() is None
    assert operations.request_cancel(house.database, begun, {}, "a token")

    assert house.look() == 1
    assert house.claims() == begun  # to end it, beside the other
