"""Models that do what none should: each ends by name, and others go on as if nothing had been."""

import os
import textwrap
import time
from pathlib import Path

import pytest

from adapters.runtimes import errors
from adapters.runtimes.bounded_log import LIMIT
from adapters.runtimes.kept_process import Surroundings
from adapters.runtimes.loading import Loadable
from adapters.runtimes.peaks import Peaks
from adapters.runtimes.pool import ModelPool
from gateway.failures import outcome_of
from gateway.outcomes import Outcome
from standards.derived import part10
from tests.cards import card
from tests.series import ct_series

MODELS = """
    import os, signal, socket, subprocess, sys, time
    from multiprocessing.connection import Connection
    import numpy as np
    from standards import codes
    from standards.findings import LabelMap, Measurement, Structure

    BODY = Structure("Body", codes.ANATOMICAL_STRUCTURE, codes.LUNG, (200, 100, 100))

    def ml(value):
        return Measurement(codes.VOLUME, value, codes.MILLILITRE, codes.LUNG)

    def pipe():
        frame = sys._getframe()
        while not isinstance(found := frame.f_locals.get("connection"), Connection):
            frame = frame.f_back
        return found

    class Model:
        def predict(self, inputs):
            word = str(inputs.volume.instances[0].SeriesDescription)
            return getattr(self, word)(inputs.volume)

        def good(self, volume):
            return [ml(float(os.getpid()))]

        def nan(self, volume):
            return [ml(float("nan"))]

        def shape(self, volume):
            return [LabelMap(np.ones((9, 9, 9), np.uint8), (BODY,))]

        def label(self, volume):
            return [LabelMap(np.full(volume.voxels.shape, 7, np.uint8), (BODY,))]

        def slow(self, volume):
            time.sleep(600)

        def forks(self, volume):
            for _ in range(3):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        time.sleep(600)
                    os._exit(0)
            time.sleep(0.3)
            os._exit(7)

        def bomb(self, volume):
            for _ in range(300):
                subprocess.Popen(["sleep", "600"])
            time.sleep(600)

        def eats(self, volume):
            kept = []
            while True:
                kept.append(np.ones(4 << 20))
                time.sleep(0.002)

        def prints(self, volume):
            print(sorted(os.environ), "secret" in str(os.environ), os.getcwd(), flush=True)
            for _ in range(1600):
                sys.stderr.write("Doe^John " * 7300)
            return [ml(1.0)]

        def exits(self, volume):
            os._exit(3)

        def closes(self, volume):
            pipe().close()
            time.sleep(600)

        def garbage(self, volume):
            os.write(pipe().fileno(), b"\\0\\0\\0\\5hello")
            time.sleep(600)

        def length(self, volume):
            os.write(pipe().fileno(), b"\\xff" * 64)
            time.sleep(600)

        def code(self, volume):
            class Evil:
                def __reduce__(self):
                    return os.system, ("touch ran",)
            import pickle
            pipe().send_bytes(pickle.dumps(Evil()))
            time.sleep(600)

        def raises(self, volume):
            class Odd(Exception):
                def __str__(self):
                    raise ValueError
            raise Odd(lambda: None)

        def unpicklable(self, volume):
            found = ml(1.0)
            object.__setattr__(found, "concept", lambda: None)
            return [found]

        def stops(self, volume):
            os.kill(os.getpid(), signal.SIGSTOP)
"""
LIMIT_MB, SECONDS = 300, 1.5
# What the study asks of its model -> how that ends.
ENDS = {
    "nan": errors.ModelFailed,
    "shape": errors.ModelFailed,
    "label": errors.ModelFailed,
    "slow": errors.ModelTimedOut,
    "forks": errors.ModelCrashed,
    "bomb": errors.ModelForked,
    "eats": errors.ModelOutOfMemory,
    "exits": errors.ModelCrashed,
    "closes": errors.ModelCrashed,
    "garbage": errors.ModelGarbled,
    "length": errors.ModelGarbled,
    "code": errors.ModelGarbled,
    "raises": errors.ModelFailed,
    "unpicklable": errors.ModelFailed,
    "stops": errors.ModelTimedOut,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "hostile.py").write_text(textwrap.dedent(MODELS))
    return folder


@pytest.fixture(scope="module")
def pool(folder):
    pool = ModelPool(4 << 30, Peaks(folder / "peaks"), Surroundings(output=folder / "printed"))
    yield pool
    pool.stop()


def model(folder: Path, name: str) -> Loadable:
    resources = {"memory_mb": LIMIT_MB, "timeout_seconds": 60}
    return Loadable(card({"entry": "hostile:Model"}, name=name, resources=resources), folder)


def asked(word: str) -> list[bytes]:
    series = ct_series(3, 16, 16)
    for image in series:
        image.SeriesDescription = word
    return [part10(image) for image in series]


def run(pool: ModelPool, one: Loadable, word: str, seconds: float = 60.0):
    return pool.predict(one, asked(word), seconds, pixels=768).findings.measurements


def processes_of(folder: Path) -> list[str]:
    """Everything on this machine that a process of a model of this test has left."""
    mark = str(folder).encode()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (path / "environ").read_bytes():
                found.append(path.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize(("word", "error"), ENDS.items(), ids=ENDS)
def test_what_a_hostile_model_does_ends_by_name_and_other_models_go_on(pool, folder, word, error):
    (before,) = run(pool, model(folder, "neighbour"), "good")

    with pytest.raises(error) as ended:
        run(pool, model(folder, "hostile"), word, SECONDS if word in ("slow", "stops") else 60)

    assert outcome_of(ended.value) in (Outcome.FAILED, Outcome.TIMED_OUT)
    assert len(str(ended.value)) < 2000
    assert run(pool, model(folder, "neighbour"), "good") == (before,)  # the same process
    assert run(pool, model(folder, "hostile"), "good")
    assert not Path("ran").exists()


def test_nothing_that_a_model_started_outlives_it(folder, monkeypatch):
    monkeypatch.setenv("TORCH_MARK", str(folder))
    own = ModelPool(4 << 30, Peaks(folder / "own"))
    with pytest.raises(errors.ModelCrashed):
        run(own, model(folder, "forker"), "forks")
    own.stop()

    deadline = time.monotonic() + 20
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not processes_of(folder)


def test_what_a_model_prints_is_kept_apart_its_end_alone_and_no_secret_is_known_to_it(
    folder, monkeypatch
):
    monkeypatch.setenv("AIRGATE_TOKEN", "secret")
    monkeypatch.setenv("AIRGATE_DATABASE_URL", "postgresql://secret")
    own = ModelPool(4 << 30, Peaks(folder / "own"), Surroundings(output=folder / "printed"))
    assert run(own, model(folder, "printer"), "prints")
    own.stop()  # all of it is written then

    log = folder / "printed" / "printer-0.1.log"
    parts = [log, log.with_name(f"{log.name}.1")]
    assert 0 < sum(part.stat().st_size for part in parts) <= 2 * LIMIT
    assert log.stat().st_mode & 0o077 == 0
    assert "Doe^John" in parts[0].read_text()


def test_its_own_folder_and_environment_are_all_that_a_model_is_given(pool, folder, monkeypatch):
    monkeypatch.setenv("AIRGATE_TOKEN", "secret")
    from adapters.runtimes.kept_process import environment  # noqa: PLC0415

    given = environment(model(folder, "one"), "/private", None)
    assert "secret" not in str(given)
    assert (given["HOME"], given["TMPDIR"]) == ("/private", "/private")
    assert int(given["OMP_NUM_THREADS"]) <= len(os.sched_getaffinity(0))
