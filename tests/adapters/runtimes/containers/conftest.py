"""Fixtures of the tests that run containers."""

from collections.abc import Iterator

import pytest

from adapters.runtimes.model_process import ModelProcess
from tests import container_engine
from tests.container_engine import Engine


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Engine]:
    """The double, and no other engine on PATH."""
    folder = tmp_path_factory.mktemp("engine")
    with container_engine.engine(folder) as double, pytest.MonkeyPatch.context() as changed:
        changed.setenv("PATH", str(folder / "bin"))
        changed.delenv("AIRGATE_CONTAINER_ENGINE", raising=False)
        yield double


@pytest.fixture
def docker(server: Engine) -> Engine:
    """With one image, that does nothing."""
    server.reset()
    server.add_image(container_engine.IMAGE, ["/bin/true"])
    return server


@pytest.fixture(scope="module")
def runtime(server: Engine) -> Iterator[ModelProcess]:
    """Stays warm from test to test where their cards are the same."""
    runtime = ModelProcess()
    yield runtime
    runtime.stop()
