"""One frame of a large multi-frame object: the first that is asked for, and any other after it."""

from collections.abc import Iterator
from functools import partial

from tests.bench.data import instance_path, multi_frame_file
from tests.bench.frames import AS_STORED
from tests.bench.http import timed
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.bench.sides import Side, servers

OTHERS = 10  # frames asked for after the first one


def measure(plan: Plan) -> Iterator[Line]:
    frames = plan.sizes.frames
    file = multi_frame_file(frames, plan.sizes.frame_matrix)
    first: dict[str, list[float]] = {"ours": [], "rival": []}
    later: dict[str, list[float]] = {"ours": [], "rival": []}
    with servers(plan.place("multiframe")) as sides:
        for run in range(plan.repeat):
            plan.say(f"run {run + 1} of {plan.repeat}")
            for name, side in sides.both(run):
                side.store(file.of(run))
                one, *others = _frames(side, run, frames)
                first[name].append(one)
                later[name] += others
    size = f"1 frame of {frames} in {len(file.contents[0]) / 1e6:.0f} MB"
    yield Line(f"{size}, the first", *first.values(), aim="20 x", unit="ms")
    yield Line(f"{size}, others", *later.values(), aim="20 x", unit="ms")


def _frames(side: Side, number: int, frames: int) -> list[float]:
    """Milliseconds for frames all over the object, from the last on."""
    step = max(frames // (OTHERS + 1), 1)
    with side.connect() as connection:
        return [
            1000
            * timed(
                partial(connection.get, f"{instance_path(number, 0)}/frames/{frame}", AS_STORED)
            )
            for frame in range(frames, 0, -step)
        ]
