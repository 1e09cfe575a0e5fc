"""The real Orthanc, for tests: `from tests.orthanc_server import orthanc_url`."""

import time
from collections.abc import Callable, Iterator

import pytest

from adapters.errors import OrthancMissing
from adapters.orthanc_process import OrthancChild, child_url, orthanc_binary


def needs_orthanc() -> None:
    try:
        orthanc_binary()
    except OrthancMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def orthanc_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An Orthanc of this module's own, with its credentials in the URL."""
    needs_orthanc()
    data = tmp_path_factory.mktemp("orthanc")
    child = OrthancChild(data)
    child.start()
    yield child_url(data)
    child.stop()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the awaited condition never came"
        time.sleep(0.02)
