"""Fixtures of the tests that run models."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.runtimes.model_process import ModelProcess
from adapters.runtimes.peaks import Peaks
from adapters.runtimes.pool import ModelPool


@pytest.fixture
def runtime() -> Iterator[ModelProcess]:
    runtime = ModelProcess()
    yield runtime
    runtime.stop()


@pytest.fixture
def pool_of(tmp_path: Path) -> Iterator[Callable[..., ModelPool]]:
    """Pools of so many MiB, stopped at the end; what they learn of peaks is shared."""
    pools = []

    def made(limit_mb: int, **more) -> ModelPool:
        pools.append(ModelPool(limit_mb << 20, Peaks(tmp_path / "peaks"), **more))
        return pools[-1]

    yield made
    for pool in pools:
        pool.stop()
