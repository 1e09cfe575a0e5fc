"""Single frames of a CT series, as a viewer that scrolls asks for them, at 1 and 8 clients.

Warm: every frame was fetched once before, on both sides. Each client walks through the series in an
order of its own and asks for the next frame when it has the last one.
"""

import random
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle, islice

from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from tests.bench.data import Files, ct_files, instance_path
from tests.bench.http import Connection, at_once
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.bench.sides import Side, servers

CLIENTS = (1, 8)
AS_STORED = "multipart/related; type=application/octet-stream; transfer-syntax=*"  # as OHIF asks
KINDS = {"raw": 0, "JPEG-LS": 1}  # and the number of its study
PERCENTILES = {"p50": 0.50, "p99": 0.99}
AIMS = {("p50", 8): "5 ms", ("p99", 8): "25 ms"}
Times = dict[tuple[str, str, int, str], list[float]]


def measure(plan: Plan) -> Iterator[Line]:
    plan.say("storing the series")
    sizes = plan.sizes
    files = {
        "raw": ct_files(sizes.slices, sizes.matrix, ExplicitVRLittleEndian),
        "JPEG-LS": ct_files(sizes.compressed, sizes.matrix, JPEGLSLossless),
    }
    times: Times = {}
    with servers(plan.place("frames")) as sides:
        for kind, number in KINDS.items():
            for side in (sides.ours, sides.rival):
                side.store(files[kind].of(number))
                _walk_all(side, 1, _paths(files[kind], number))
        for run in range(plan.repeat):
            plan.say(f"run {run + 1} of {plan.repeat}")
            for name, side in sides.both(run):
                _one_run(side, name, files, sizes.requests, times)
    for kind in KINDS:
        for clients in CLIENTS:
            for percentile in PERCENTILES:
                ours, rival = (times[n, kind, clients, percentile] for n in ("ours", "rival"))
                work = f"one frame, {kind}, {clients} client{'s'[: clients > 1]}, {percentile}"
                yield Line(work, ours, rival, AIMS.get((percentile, clients), ""), "ms")


def _one_run(side: Side, name: str, files: dict[str, Files], requests: int, times: Times) -> None:
    for kind, number in KINDS.items():
        for clients in CLIENTS:
            paths = list(islice(cycle(_paths(files[kind], number)), requests))
            taken = sorted(_walk_all(side, clients, paths))
            for percentile, share in PERCENTILES.items():
                value = taken[min(int(share * len(taken)), len(taken) - 1)] * 1000
                times.setdefault((name, kind, clients, percentile), []).append(value)


def _walk_all(side: Side, clients: int, paths: Sequence[str]) -> list[float]:
    """Every client asks for all of the paths; seconds of each request."""
    taken: list[float] = []
    connections = [side.connect() for _ in range(clients)]
    orders = [random.Random(k).sample(paths, len(paths)) for k in range(clients)]
    try:
        at_once(
            [
                partial(_walk, one, order, taken)
                for one, order in zip(connections, orders, strict=True)
            ]
        )
    finally:
        for connection in connections:
            connection.close()
    return taken


def _walk(connection: Connection, paths: Sequence[str], taken: list[float]) -> None:
    for path in paths:
        started = time.perf_counter()
        connection.get(path, AS_STORED)
        taken.append(time.perf_counter() - started)


def _paths(files: Files, number: int) -> list[str]:
    return [f"{instance_path(number, k)}/frames/1" for k in range(len(files))]
