"""STOW-RS of a CT series: against the plug-in, and POST /instances straight into Orthanc."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from tests.bench.data import Files, ct_files, multipart
from tests.bench.http import Connection, at_once
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.bench.sides import Side, Sides, servers, stow

CLIENTS = (1, 4)
WARM_UP = 9_000  # the number of the study that each side stores before it is measured
AIMS = {"rival": "1 x", "direct": "0.8 x"}  # at most 25 % longer than straight into Orthanc
Seconds = dict[tuple[str, int], list[float]]


def measure(plan: Plan) -> Iterator[Line]:
    files = ct_files(plan.sizes.slices, plan.sizes.matrix)
    seconds: Seconds = {}
    for run in range(plan.repeat):
        plan.say(f"run {run + 1} of {plan.repeat}")
        folder = plan.place(f"stow{run}")
        with servers(folder) as sides:
            _warm(sides, files)
            for clients in CLIENTS:
                _one_run(sides, files, clients, run, seconds)
        shutil.rmtree(folder)
    for clients in CLIENTS:
        work = f"STOW-RS, {len(files)} slices, {_told(clients)}"
        ours = seconds["ours", clients]
        yield Line(work, ours, seconds["rival", clients], AIMS["rival"])
        yield Line(
            work, ours, seconds["direct", clients], AIMS["direct"], against="POST /instances"
        )


def _one_run(sides: Sides, files: Files, clients: int, run: int, seconds: Seconds) -> None:
    """Each way gets a study of its own; who is first goes by turns."""
    ways: list[tuple[str, Callable[[Sequence[bytes]], float]]] = [
        ("ours", partial(_stow, sides.ours, clients)),
        ("rival", partial(_stow, sides.rival, clients)),
        ("direct", partial(_post_instances, sides.plug_in.url, clients)),
    ]
    for offset in range(len(ways)):
        number = (run + offset) % len(ways)
        name, way = ways[number]
        contents = files.of(100 * clients + number)
        seconds.setdefault((name, clients), []).append(way(contents))


def _stow(side: Side, clients: int, contents: Sequence[bytes]) -> float:
    """Each client sends its share in one request."""
    connections = [side.connect() for _ in range(clients)]
    bodies = [multipart(list(contents[k::clients])) for k in range(clients)]
    try:
        return at_once(
            [partial(stow, one, body) for one, body in zip(connections, bodies, strict=True)]
        )
    finally:
        for connection in connections:
            connection.close()


def _post_instances(url: str, clients: int, contents: Sequence[bytes]) -> float:
    """Each client sends its share one instance after another, as Orthanc's REST API wants it."""
    connections = [Connection(url, {}) for _ in range(clients)]

    def send(connection: Connection, share: Sequence[bytes]) -> None:
        for content in share:
            connection.post("/instances", "application/dicom", len(content), [content])

    try:
        return at_once(
            [partial(send, one, contents[k::clients]) for k, one in enumerate(connections)]
        )
    finally:
        for connection in connections:
            connection.close()


def _warm(sides: Sides, files: Files) -> None:
    few = Files(files.contents[:10])
    sides.ours.store(few.of(WARM_UP))
    sides.rival.store(few.of(WARM_UP))


def _told(clients: int) -> str:
    return "1 client" if clients == 1 else f"{clients} clients"
