"""Several warm models within a limit of memory, with real processes; GPUs by a double."""

import textwrap
import threading
import time
from pathlib import Path

import pytest

from adapters.runtimes.devices import Device, read_devices
from adapters.runtimes.errors import ModelTooLarge
from adapters.runtimes.loading import Loadable
from adapters.runtimes.peaks import Peaks
from adapters.runtimes.pool import ModelPool
from adapters.runtimes.usage import Memory
from standards.derived import part10
from tests.cards import card
from tests.series import ct_series

MODELS = """
    import os, time
    import numpy as np
    from standards import codes
    from standards.findings import Caveat, Measurement

    class Hungry:
        def predict(self, inputs):
            taken = np.ones(6 << 20)  # 48 MiB
            time.sleep(0.2)
            return [
                Measurement(codes.VOLUME, float(os.getpid()), codes.MILLILITRE, codes.LUNG),
                Caveat("GPU " + os.environ.get("CUDA_VISIBLE_DEVICES", "none")),
            ]
"""
MIB = 1 << 20
SERIES = [part10(image) for image in ct_series(3, 16, 16)]
PIXELS = 3 * 16 * 16


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hungry.py").write_text(textwrap.dedent(MODELS))
    return tmp_path


def model(folder: Path, name: str, **resources) -> Loadable:
    resources = {"memory_mb": 200, **resources}
    return Loadable(card({"entry": "hungry:Hungry"}, name=name, resources=resources), folder)


def run(pool: ModelPool, one: Loadable, **more):
    return pool.predict(one, SERIES, 60, pixels=PIXELS, **more)


def test_three_models_where_two_fit_all_finish_and_the_least_recently_used_is_unloaded(
    pool_of, folder
):
    pool, models = pool_of(410), [model(folder, name) for name in ("one", "two", "three")]
    pids = []
    for one in (*models[:2], models[0]):
        pids.append(run(pool, one).findings.measurements[0].value)
    assert pids[0] == pids[2]  # warm
    Peaks(folder / "peaks").learn(models[2], PIXELS, Memory(300 * MIB, 200 * MIB, 0))

    run(pool, models[2])

    assert "two" not in pool.loaded
    assert "three" in pool.loaded


def test_many_at_once_wait_for_memory_and_all_of_them_finish(pool_of, folder):
    pool, done = pool_of(450), []
    jobs = [model(folder, name) for name in ("one", "two", "three") * 2]
    threads = [threading.Thread(target=lambda one=one: done.append(run(pool, one))) for one in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert len(done) == len(jobs)


def test_work_that_waits_for_memory_can_be_canceled(pool_of, folder):
    pool, started = pool_of(300), threading.Event()

    def hold(_progress: int) -> None:
        started.set()
        time.sleep(0.3)

    holder = threading.Thread(target=lambda: run(pool, model(folder, "holder"), watch=hold))
    holder.start()
    started.wait(60)

    def canceled(_progress: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        run(pool, model(folder, "waiter"), watch=canceled)
    holder.join(60)
    assert run(pool, model(folder, "waiter"))


def test_what_can_never_fit_is_refused_with_both_numbers(pool_of, folder):
    with pytest.raises(ModelTooLarge, match=r"needs 4000 MiB of memory, of which there are 300"):
        run(pool_of(300), model(folder, "huge", memory_mb=4000))


def test_what_a_build_took_is_learned_by_size_and_outlives_the_pool(pool_of, folder):
    one = model(folder, "one")
    run(pool_of(1000), one)

    learned = Peaks(folder / "peaks")
    expected = learned.expected(one, PIXELS)
    assert 48 * MIB < expected.peak < 200 * MIB
    assert expected.at_rest < expected.peak
    assert learned.expected(one, 100 * PIXELS).peak == 200 * MIB  # as the card says
    assert (
        learned.expected(Loadable(one.card, folder, build="other build"), PIXELS).peak == 200 * MIB
    )


def test_a_model_gets_the_gpu_with_most_free_memory(pool_of, folder):
    devices = [Device("GPU-a", 2000 * MIB, 8000 * MIB), Device("GPU-b", 5000 * MIB, 8000 * MIB)]
    pool = pool_of(1000, devices=lambda: devices)

    found = run(pool, model(folder, "one", device="cuda", gpu_memory_mb=4000)).findings

    assert found.caveats[0].text == "GPU GPU-b"


def test_a_model_that_rests_leaves_the_gpu_to_one_that_works(pool_of, folder):
    pool = pool_of(1000, devices=lambda: [Device("GPU-a", free(), 8000 * MIB)])

    def free() -> int:  # as long as the first is loaded, the second does not fit
        return 3000 * MIB if "one" in pool.loaded else 8000 * MIB

    run(pool, model(folder, "one", device="cuda", gpu_memory_mb=2000))
    run(pool, model(folder, "two", device="cuda", gpu_memory_mb=5000))

    assert pool.loaded == ["two"]
    with pytest.raises(ModelTooLarge, match="9000 MiB of GPU memory"):
        run(pool, model(folder, "three", device="cuda", gpu_memory_mb=9000))


def test_what_nvidia_smi_tells_is_read_and_devices_that_are_not_ours_are_left():
    told = "0, GPU-a, 100, 200\n1, GPU-b, 50, 200\nNo devices were found\n2, GPU-c, [N/A], 1\n"

    assert read_devices(told, None) == [
        Device("GPU-a", 100 * MIB, 200 * MIB),
        Device("GPU-b", 50 * MIB, 200 * MIB),
    ]
    assert [one.name for one in read_devices(told, "1")] == ["GPU-b"]
    assert read_devices(told, "") == []
