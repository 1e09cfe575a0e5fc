"""An Orthanc that is used without the gateway too, and a gateway on it, for each test anew."""

from collections.abc import Iterator

import pytest

from tests.gateway.following.following_helper import House, emptied, house_on
from tests.orthanc_server import OrthancServer, needs_orthanc


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory) -> Iterator[OrthancServer]:
    needs_orthanc()
    with OrthancServer(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture
def house(database, tmp_path, orthanc) -> Iterator[House]:
    """On an empty Orthanc, whose log and counter go on."""
    emptied(orthanc)
    with house_on(tmp_path, database, orthanc.url) as house:
        yield house
