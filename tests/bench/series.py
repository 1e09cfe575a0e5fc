"""A stored CT series: its /metadata, and all of its instances by WADO-RS as they are stored."""

import json
import time
from collections.abc import Iterator

from tests.bench.data import ct_files, series_path
from tests.bench.http import Connection, timed
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.bench.sides import Side, servers

STORED_SYNTAX = 'multipart/related; type="application/dicom"; transfer-syntax=*'


def measure(plan: Plan) -> Iterator[Line]:
    plan.say("storing the series")
    contents = ct_files(plan.sizes.slices, plan.sizes.matrix).of(0)
    metadata: dict[str, list[float]] = {"ours": [], "rival": []}
    instances: dict[str, list[float]] = {"ours": [], "rival": []}
    with servers(plan.place("series")) as sides:
        sides.ours.store(contents)
        sides.rival.store(contents)
        for run in range(-1, plan.repeat):  # the first one warms both
            plan.say(f"run {max(run, 0) + 1} of {plan.repeat}")
            for name, side in sides.both(run):
                one = _metadata(side, len(contents))
                all_ = _instances(side, sum(map(len, contents)))
                if run >= 0:
                    metadata[name].append(one)
                    instances[name].append(all_)
    slices = len(contents)
    yield Line(f"/metadata, series of {slices}", *metadata.values(), aim="10 x")
    yield Line(f"WADO-RS, series of {slices}, as stored", *instances.values(), aim="1.5 x")


def _metadata(side: Side, expected: int) -> float:
    """Seconds until the last byte; what it says is read afterwards."""
    with side.connect() as connection:
        started = time.perf_counter()
        content = connection.read(f"{series_path(0)}/metadata", "application/dicom+json")
        seconds = time.perf_counter() - started
    if (found := len(json.loads(content))) != expected:
        raise SystemExit(f"/metadata told {found} of {expected} instances")
    return seconds


def _instances(side: Side, expected: int) -> float:
    def read(connection: Connection) -> None:
        received = connection.get(series_path(0), STORED_SYNTAX)
        if received < expected:
            raise SystemExit(f"WADO-RS sent {received} bytes of at least {expected}")

    with side.connect() as connection:
        return timed(lambda: read(connection))
