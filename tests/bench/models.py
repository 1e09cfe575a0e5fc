"""What a warm model's process adds to its computing, and three models where memory is for two."""

import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from adapters.runtimes.loading import Loadable
from adapters.runtimes.peaks import Peaks
from adapters.runtimes.pool import ModelPool
from standards.derived import part10
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.cards import card
from tests.series import ct_series

MODEL = """
    import time
    import numpy as np
    from standards import codes
    from standards.findings import Measurement

    class Hungry:
        def predict(self, inputs):
            taken = np.ones(10 << 20)  # 80 MiB
            time.sleep(0.1)
            return [Measurement(codes.VOLUME, 1.0, codes.MILLILITRE, codes.LUNG)]
"""
MEMORY_MB = 250  # of each, as its card says
SLICES, MATRIX = 40, 128
JOBS = 12


def measure(plan: Plan) -> Iterator[Line]:
    folder = plan.place("models")
    (folder / "hungry.py").write_text(textwrap.dedent(MODEL))
    series = [part10(image) for image in ct_series(SLICES, MATRIX, MATRIX)]
    models = [_model(folder, name) for name in ("one", "two", "three")]
    plan.say("a warm process")
    yield Line("second job: around predict", _overheads(plan, folder, models[0], series), aim="0.1")
    plan.say("three models in the memory of two")
    seconds, finished = [], 0
    for run in range(plan.repeat):
        started = time.perf_counter()
        finished += _all_at_once(folder / f"peaks{run}", models, series)
        seconds.append(time.perf_counter() - started)
    detail: dict[str, object] = {"finished": finished, "ordered": plan.repeat * JOBS}
    yield Line(f"{JOBS} jobs of 3 models, memory for 2", seconds, detail=detail)


def _overheads(plan: Plan, folder: Path, model: Loadable, series: list[bytes]) -> list[float]:
    pool, seconds = ModelPool(2 * MEMORY_MB << 20, Peaks(folder / "peaks")), []
    try:
        _run(pool, model, series)
        for _ in range(plan.repeat):
            started = time.perf_counter()
            predicted = _run(pool, model, series)
            seconds.append(time.perf_counter() - started - predicted)
    finally:
        pool.stop()
    return seconds


def _all_at_once(peaks: Path, models: list[Loadable], series: list[bytes]) -> int:
    """How many finished; raises what one of them raises."""
    pool = ModelPool(2 * MEMORY_MB << 20, Peaks(peaks))
    try:
        with ThreadPoolExecutor(len(models)) as threads:
            jobs = [models[n % len(models)] for n in range(JOBS)]
            return len(list(threads.map(lambda one: _run(pool, one, series), jobs)))
    finally:
        pool.stop()


def _run(pool: ModelPool, model: Loadable, series: list[bytes]) -> float:
    pixels = SLICES * MATRIX * MATRIX
    return pool.predict(model, series, 60, pixels=pixels).predict_seconds


def _model(folder: Path, name: str) -> Loadable:
    resources = {"memory_mb": MEMORY_MB}
    return Loadable(card({"entry": "hungry:Hungry"}, name=name, resources=resources), folder)
