"""A model with packages of its own: registered as an archive, and ready on any machine."""

import os
import zipfile
from pathlib import Path

import pytest

from adapters.runtimes.model_process import ModelProcess
from gateway.chores import tidy
from gateway.errors import Unprocessable
from gateway.models.stages import Order, retire
from gateway.services import artefacts_of, registry_of
from gateway.settings import Settings
from tests.adapters.runtimes.test_environments import doses, write_model
from tests.phantom import chest_phantom


def archive(folder: Path) -> Path:
    """Zipped, without its card."""
    write_model(folder / "model", "answer")
    path = folder / "doses.zip"
    with zipfile.ZipFile(path, "w") as content:
        for one in (folder / "model").rglob("*"):
            content.write(one, one.relative_to(folder / "model"))
    return path


def test_a_registered_model_has_its_environment_on_every_machine_while_it_may_run(sqlite, tmp_path):
    store = str(tmp_path / "artefacts")
    here, there = (
        registry_of(Settings(data=tmp_path / name, artefacts=store), sqlite)
        for name in ("here", "there")
    )
    model = here.add_artefact(archive(tmp_path), "tester", card=doses("airgate-test-dose==1.0"))

    loadable = there.loadable(model)
    assert loadable.python is not None
    assert tmp_path / "there" / "environments" in loadable.python.parents
    paths = chest_phantom(matrix=64).write(tmp_path / "series")
    runtime = ModelProcess()
    try:
        prediction = runtime.predict(loadable, [path.read_bytes() for path in paths], 60)
    finally:
        runtime.stop()
    assert prediction.findings.measurements[0].value == len(paths)

    artefacts = artefacts_of(Settings(data=tmp_path / "here", artefacts=store))
    (environment,) = (tmp_path / "here" / "environments").iterdir()
    os.utime(environment, (0, 0))
    tidy(artefacts, sqlite)
    assert environment.exists()
    with sqlite.write() as session:
        retire(session, model.card.name, model.card.version, Order("tester"))
    tidy(artefacts, sqlite)
    assert not environment.exists()


def test_a_model_whose_packages_are_not_there_is_not_registered(sqlite, tmp_path):
    registry = registry_of(Settings(data=tmp_path / "data"), sqlite)
    with pytest.raises(Unprocessable, match=r"airgate-test-dose==2\.0"):
        registry.add_artefact(archive(tmp_path), "tester", card=doses("airgate-test-dose==2.0"))
    assert not list((tmp_path / "data" / "environments").iterdir())
