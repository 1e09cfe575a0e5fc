"""How long /metrics takes with much work behind it: `python -m tests.bench.metrics [workitems]`.

On SQLite in a temporary folder; a tenth of the workitems waits.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from adapters.memory import MemoryArchive
from gateway import services
from gateway.metric_sums import Folding
from gateway.metrics import exposition
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.migrate import migrate
from gateway.store.tables import EventRow, WorkitemRow

AT_ONCE = 5000
STEPS = ("fetch", "load pixels", "model", "encode", "archive", "FHIR")
DATASET = json.dumps({"00741000": {"vr": "CS", "Value": ["COMPLETED"]}, "filler": "x" * 5000})


def fill(database: Database, workitems: int) -> None:
    for first in range(0, workitems, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, workitems))
        with database.write() as session:
            session.execute(insert(WorkitemRow), [workitem(number) for number in numbers])
            ended = [number for number in numbers if not waits(number)]
            session.execute(insert(EventRow), [one for number in ended for one in events(number)])


def waits(number: int) -> bool:
    return number % 10 == 0


def workitem(number: int) -> dict[str, Any]:
    return {
        "sop_instance_uid": f"2.25.{number}",
        "study_instance_uid": f"1.2.{number}",
        "series_instance_uid": "",
        "procedure_step_state": "SCHEDULED" if waits(number) else "COMPLETED",
        "model_name": f"model_{number % 5}",
        "model_version": "1",
        "model_digest": "",
        "dataset": DATASET,
        "created_at": 100.0,
        "started_at": None if waits(number) else 101.0,
        "ended_at": None if waits(number) else 109.0,
        "outcome": "" if waits(number) else "DONE",
    }


def events(number: int) -> Iterator[dict[str, Any]]:
    about = {"study_instance_uid": f"1.2.{number}", "workitem_uid": f"2.25.{number}", "at": 109.0}
    for name in STEPS:
        yield {**about, "kind": "step", "detail": json.dumps({"name": name, "seconds": 1})}
    yield {**about, "kind": "done", "detail": "{}"}


def main() -> None:
    workitems = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="airgate-bench-") as folder:
        database = Database(f"sqlite:///{folder}/airgate.db")
        migrate(database)
        fill(database, workitems)
        began = time.perf_counter()
        added = Folding(database).fold()
        print(f"{added} events added in {time.perf_counter() - began:.1f} s")
        settings = Settings(data=Path(folder), archive="folder")
        parts = services.build(settings, MemoryArchive(), database)
        for _ in range(3):
            began = time.perf_counter()
            exposition(parts)
            took = (time.perf_counter() - began) * 1e3
            print(f"{workitems} workitems: /metrics in {took:.0f} ms")
        database.close()


if __name__ == "__main__":
    main()
