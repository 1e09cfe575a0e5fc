"""How soon another worker goes on with what a killed one had: two workers on one PostgreSQL."""

import subprocess
import time
from collections.abc import Iterator

from sqlalchemy import select

from gateway.engine import BEAT_SECONDS
from gateway.store.database import Database
from gateway.store.tables import WorkerRow
from tests import quick_model
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.postgresql import PostgreSQL
from tests.quick_model import TinyStudy, tiny_study
from tests.serving import Gateway, wait_until

WAIT_SECONDS = 120.0
SETTINGS = {"archive": "folder", "quiet_seconds": "0.3", "workers": "0"}


def measure(plan: Plan) -> Iterator[Line]:
    folder, server = plan.place("take-over"), PostgreSQL()
    rules = str(quick_model.write_rules(folder))
    url = server.new_database()
    database = Database(url)
    workers: dict[str, subprocess.Popen] = {}
    try:
        with Gateway(folder / "data", rules=rules, database_url=url, **SETTINGS) as gateway:
            quick_model.register(gateway)
            workers |= {slot: gateway.worker(slot) for slot in ("0", "1")}
            seconds = []
            for run in range(plan.repeat):
                plan.say(f"run {run + 1} of {plan.repeat}")
                wait_until(lambda: _both_live(database), WAIT_SECONDS, lambda: gateway.log)
                study = tiny_study(run, "sleep 1")
                gateway.client.store(study.write(folder / study.uid))
                seconds.append(_taken_over_after(gateway, study, workers))
        yield Line("worker killed to work taken over", seconds, aim="10 s")
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()
        database.close()
        server.stop()


def _both_live(database: Database) -> bool:
    with database.read() as session:
        beats = session.scalars(select(WorkerRow.beat_at)).all()
    return len(beats) == 2 and min(beats) > time.time() - 2 * BEAT_SECONDS


def _taken_over_after(
    gateway: Gateway, study: TinyStudy, workers: dict[str, subprocess.Popen]
) -> float:
    """Seconds from the kill to the claim by the other one; afterwards both live again."""
    wait_until(lambda: len(_claims(gateway, study)) == 1, WAIT_SECONDS, lambda: gateway.log)
    slot = _claims(gateway, study)[0]["detail"]["worker"].rpartition("-")[2]
    killed_at = time.time()
    workers[slot].kill()
    workers[slot].wait()
    gateway.await_end(study.uid)
    workers[slot] = gateway.worker(slot)
    return _claims(gateway, study)[1]["at"] - killed_at


def _claims(gateway: Gateway, study: TinyStudy) -> list[dict]:
    return [e for e in gateway.trace(study.uid)["events"] if e["kind"] == "claimed"]
