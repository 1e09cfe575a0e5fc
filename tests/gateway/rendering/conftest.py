"""A study served over HTTP: a CT, a film, a report, a state, documents, a plan and a video."""

from collections.abc import Iterator

import pytest

from tests.gateway.index_helper import Gateway
from tests.gateway.rendering.example_images import STUDY
from tests.gateway.rendering.example_study import files


@pytest.fixture(scope="session")
def study_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    gateway = Gateway(tmp_path_factory.mktemp("rendering"))
    gateway.store(*files())
    with gateway.serving() as root:
        yield f"{root}/dicom-web/studies/{STUDY}"
    gateway.close()
