"""A real `airgate serve` with tight limits, and what must hold after each hostile request."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.acceptance.hostile.wire import store
from tests.bench.huge import Growth
from tests.instances import instance
from tests.serving import Gateway

LIMITS = {"body_seconds": "2", "maximum_header_mb": "64"}
BOUND_MIB = 160  # what 64 MiB of one header, and four small ones, may cost for a moment

_numbers = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Gateway]:
    data = tmp_path_factory.mktemp("hostile") / "data"
    with Gateway(data, archive="folder", workers="0", **LIMITS) as gateway:
        store(gateway, instance(0))  # what is loaded once is loaded
        yield gateway


@pytest.fixture
def gateway(server) -> Iterator[Gateway]:
    """Checks afterwards that it is alive, has not grown, and left nothing in its spool."""
    with Growth(server.pid) as growth:
        yield server
        number = next(_numbers)
        answer = store(server, instance(number))
    assert (answer.status, server.process.poll()) == (200, None), server.log[-2000:]
    assert growth.mib < BOUND_MIB
    assert list((server.data / "spool").iterdir()) == []
    assert "Traceback" not in server.log
