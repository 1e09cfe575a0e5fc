"""One gateway on a database of each kind in turn, at which all tests of a file throw requests."""

from collections.abc import Iterator

import pytest
import requests

from tests.gateway.fuzzing.fuzzed import filled_gateway


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def root(request, tmp_path_factory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("fuzzed")
    url = f"sqlite:///{folder / 'airgate.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").new_database()
    with filled_gateway(folder, url) as root:
        yield root


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session
