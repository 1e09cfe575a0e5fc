"""A gateway with one finished study, shared by the tests that only look."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.phantom import Phantom, chest_phantom
from tests.serving import Gateway


@dataclass(frozen=True)
class Finished:
    """A gateway that has stored a phantom by STOW-RS and ended its workitem."""

    gateway: Gateway
    phantom: Phantom
    study: str
    result: dict[str, Any]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("spine")
    phantom = chest_phantom()
    phantom.write(folder / "series")
    with Gateway(folder / "data") as gateway:
        study = store(gateway, folder / "series")
        gateway.await_end(study)
        (result,) = gateway.results(study)
        yield Finished(gateway, phantom, study, result)


def store(gateway: Gateway, series: Path) -> str:
    """STOW-RS a folder; the Study Instance UID."""
    status, answer = gateway.client.store(sorted(series.iterdir()))
    assert status == 200, answer
    return answer["00081190"]["Value"][0].rpartition("/")[2]
