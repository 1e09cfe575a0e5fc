"""Fixtures of the tests that run models."""

from collections.abc import Iterator

import pytest

from adapters.runtimes.model_process import ModelProcess


@pytest.fixture
def runtime() -> Iterator[ModelProcess]:
    runtime = ModelProcess()
    yield runtime
    runtime.stop()
