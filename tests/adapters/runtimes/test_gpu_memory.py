"""Memory of GPUs, where there is none: torch.cuda and the devices are doubles."""

import textwrap
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from adapters.runtimes import gpu_memory
from adapters.runtimes.devices import Device
from adapters.runtimes.errors import ModelOutOfGpuMemory
from adapters.runtimes.loading import Loadable
from adapters.runtimes.peaks import Peaks
from adapters.runtimes.pool import ModelPool
from adapters.runtimes.usage import Memory
from ai_models.card import Resources
from gateway.failures import Kind, kind_of
from standards.derived import part10
from tests.cards import card
from tests.series import ct_series

MODELS = """
    import os
    from standards import codes
    from standards.findings import Caveat, Measurement

    class OutOfMemoryError(RuntimeError):  # as PyTorch and CuPy call it
        pass

    class Where:
        def predict(self, inputs):
            yield Measurement(codes.VOLUME, float(os.getpid()), codes.MILLILITRE, codes.LUNG)
            yield Caveat("GPU " + os.environ.get("CUDA_VISIBLE_DEVICES", "none"))

    class RunsOut(Where):
        def predict(self, inputs):
            if len(inputs.volume.voxels) > 3:
                try:
                    raise OutOfMemoryError("CUDA out of memory")
                except OutOfMemoryError as error:
                    raise RuntimeError("this network failed") from error
            return super().predict(inputs)

    class RunsOutAtOnce:
        def __init__(self):
            raise OutOfMemoryError("CUDA out of memory")
"""
MIB = 1 << 20
SMALL, LARGE = ([part10(image) for image in ct_series(n, 16, 16)] for n in (3, 4))
PIXELS = 3 * 16 * 16


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "on_gpu.py").write_text(textwrap.dedent(MODELS))
    return tmp_path


def model(folder: Path, entry: str, name: str = "one", gpu_memory_mb: int = 0) -> Loadable:
    resources = {"memory_mb": 100, "device": "cuda", "gpu_memory_mb": gpu_memory_mb}
    return Loadable(card({"entry": f"on_gpu:{entry}"}, name=name, resources=resources), folder)


def gpu(name: str, free_mb: int) -> Device:
    return Device(name, free_mb * MIB, 8000 * MIB)


def run(pool: ModelPool, one: Loadable, series=SMALL, **more):
    found = pool.predict(one, series, 60, pixels=PIXELS, **more).findings
    return found.measurements[0].value, found.caveats[0].text


class Held:
    """Work of a model that is under way until it is let go."""

    def __init__(self, pool: ModelPool, one: Loadable) -> None:
        self._begun, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=run, args=(pool, one), kwargs={"watch": self._hold})

    def _hold(self, _progress: int) -> None:
        self._begun.set()
        self._over.wait(60)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._begun.wait(60)

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join(60)


@pytest.mark.parametrize(
    ("resources", "fractions"),
    [
        ({"device": "cuda", "gpu_memory_mb": 2000}, [0.25]),
        ({"device": "cuda", "gpu_memory_mb": 9000}, [1.0]),
        ({"device": "cuda"}, []),
        ({"device": "cpu", "gpu_memory_mb": 2000}, []),
    ],
)
def test_pytorch_gives_out_no_more_than_the_card_says(monkeypatch, resources, fractions):
    given = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    properties = SimpleNamespace(total_memory=8000 * MIB)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _device: properties)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", given.append)

    gpu_memory.hold_to(Resources(**resources), lambda: [gpu("GPU-a", 8000)])
    gpu_memory.hold_to(Resources(**resources), lambda: [])

    assert given == fractions


def test_the_error_of_pytorch_is_called_as_is_looked_for():
    assert gpu_memory.was_too_little(torch.OutOfMemoryError("CUDA out of memory"))
    assert not gpu_memory.was_too_little(MemoryError())


def test_a_model_without_gpu_memory_ends_by_name_and_the_pool_goes_on(pool_of, folder):
    pool, one = pool_of(1000, devices=lambda: ()), model(folder, "RunsOut", gpu_memory_mb=500)
    before, _ = run(pool, one)

    with pytest.raises(ModelOutOfGpuMemory, match="than the 500 MiB that its card allows") as ended:
        run(pool, one, LARGE)

    assert kind_of(ended.value) is Kind.MODEL
    assert pool.loaded == []  # so all that it had of the GPU is given back
    after, _ = run(pool, one)
    assert after != before
    with pytest.raises(ModelOutOfGpuMemory, match="than what was free"):
        run(pool, model(folder, "RunsOutAtOnce"))


def test_what_those_at_work_were_promised_is_not_given_to_others(pool_of, folder):
    pool = pool_of(1000, devices=lambda: [gpu("GPU-a", 5000), gpu("GPU-b", 4000)])
    waiter = model(folder, "Where", "waiter", 3500)

    def canceled(_progress: int) -> None:
        raise InterruptedError

    with Held(pool, model(folder, "Where", "first", 3000)):
        assert run(pool, model(folder, "Where", "second", 3000))[1] == "GPU GPU-b"
        with Held(pool, model(folder, "Where", "third", 3000)), pytest.raises(InterruptedError):
            run(pool, waiter, watch=canceled)

    assert run(pool, waiter)[1] == "GPU GPU-a"


def test_for_a_gpu_no_model_of_the_cpu_is_unloaded(pool_of, folder):
    pool = pool_of(1000, devices=lambda: [gpu("GPU-a", 1000)])
    quiet = Loadable(card({"entry": "on_gpu:Where"}, resources={"memory_mb": 100}), folder)
    run(pool, quiet)

    def canceled(_progress: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        run(pool, model(folder, "Where", "large", 2000), watch=canceled)
    assert pool.loaded == [quiet.card.name]


def test_a_model_that_is_to_take_more_than_its_gpu_has_left_goes_to_another(pool_of, folder):
    devices = [gpu("GPU-a", 5000), gpu("GPU-b", 4000)]
    pool, one = pool_of(1000, devices=lambda: devices), model(folder, "Where", gpu_memory_mb=3000)
    assert run(pool, one)[1] == "GPU GPU-a"
    devices[0] = gpu("GPU-a", 500)  # somebody else's work
    assert run(pool, one)[1] == "GPU GPU-a"  # what it holds is enough
    Peaks(folder / "peaks").learn(one, PIXELS, Memory(90 * MIB, 90 * MIB, 3800 * MIB))

    assert run(pool, one)[1] == "GPU GPU-b"
