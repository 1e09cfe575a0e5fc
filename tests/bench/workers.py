"""Seconds per tiny study with a model that does nothing much: 1, 2 and 4 workers on PostgreSQL,
the last of them also with many finished workitems in the table.

The studies wait in the queue when the workers begin, so what is told is how fast it empties.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, insert, select

from gateway.store.database import Database
from gateway.store.tables import WorkitemRow
from tests import quick_model
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.postgresql import PostgreSQL
from tests.quick_model import tiny_study
from tests.serving import Gateway, wait_until

WORKERS = (1, 2, 4)
WAIT_SECONDS = 600.0


def measure(plan: Plan) -> Iterator[Line]:
    folder, finished = plan.place("workers"), plan.sizes.finished
    server = PostgreSQL()
    try:
        alone = [_seconds(plan, folder / f"{n}", server.new_database(), n) for n in WORKERS]
        for workers, seconds in zip(WORKERS, alone, strict=True):
            yield Line(f"a tiny study, {workers} worker(s)", [seconds])
        url = server.new_database()
        crowded = _seconds(plan, folder / "crowded", url, WORKERS[-1], finished)
        work = f"the same beside {finished} finished workitems"
        yield Line(work, [crowded], [alone[-1]], "0.9 x", against="without")
    finally:
        server.stop()


def _seconds(plan: Plan, folder: Path, url: str, workers: int, finished: int = 0) -> float:
    rules = str(quick_model.write_rules(folder))
    settings = {"rules": rules, "archive": "folder", "quiet_seconds": "0.3", "workers": "0"}
    with Gateway(folder / "data", database_url=url, **settings) as gateway:
        quick_model.register(gateway)
        _fill(url, finished)
        plan.say(f"{workers} workers, {finished} finished workitems")
        jobs = plan.sizes.jobs
        for number in range(jobs):
            gateway.client.store(tiny_study(number).write(folder / f"study{number}"))
        database = Database(url)
        with _working(gateway, workers):
            wait_until(lambda: _ended(database) == jobs, WAIT_SECONDS, lambda: gateway.log)
        seconds = _emptied_in(database, jobs - jobs // 3)
        database.close()
        return seconds


def _ended(database: Database) -> int:
    query = select(func.count()).where(WorkitemRow.model_name == "quick", WorkitemRow.outcome != "")
    with database.read() as session:
        return session.scalar(query) or 0


def _emptied_in(database: Database, last: int) -> float:
    """Seconds for each of the last ones: by then, all workers had begun."""
    query = select(WorkitemRow.ended_at).where(WorkitemRow.model_name == "quick")
    with database.read() as session:
        ended = sorted(at for at in session.scalars(query) if at is not None)[-last:]
    return (ended[-1] - ended[0]) / (last - 1)


@contextmanager
def _working(gateway: Gateway, workers: int) -> Iterator[None]:
    started = [gateway.worker(str(slot)) for slot in range(workers)]
    try:
        yield
    finally:
        for worker in started:
            worker.kill()
            worker.wait()


def _fill(url: str, finished: int) -> None:
    """Workitems that ended long ago, as rows."""
    database, ended_at = Database(url), time.time() - 86_400
    row = {
        "study_instance_uid": "1.2.3",
        "series_instance_uid": "1.2.3.4",
        "procedure_step_state": "COMPLETED",
        "model_name": "former",
        "model_version": "1",
        "model_digest": "ab",
        "outcome": "DONE",
        "dataset": "{}",
        "created_at": ended_at,
        "started_at": ended_at,
        "ended_at": ended_at,
    }
    with database.write() as session:
        for first in range(0, finished, 10_000):
            numbers = range(first, min(first + 10_000, finished))
            rows = [row | {"sop_instance_uid": f"1.2.3.{number}"} for number in numbers]
            session.execute(insert(WorkitemRow), rows)
    database.close()
