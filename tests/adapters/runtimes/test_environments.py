"""A Python model in an environment of its own: made offline, from a wheel that the test builds."""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.runtimes.environments import EnvironmentNotMade, Environments
from adapters.runtimes.errors import ModelFailed, ModelUnusable
from adapters.runtimes.loading import Loadable
from ai_models.card import ModelCard
from ai_models.contract import NoResult
from tests.cards import card
from tests.phantom import chest_phantom
from tests.wheels import write_wheel

MODEL = """
import sys
import airgate_test_dose
from ai_models.contract import NoResult
from standards import codes
from standards.findings import Measurement

class Doses:
    def predict(self, inputs):
        inputs.progress(50)
        slices = len(inputs.volume.voxels)
        if airgate_test_dose.WORD == "refuse":
            raise NoResult("dose", "none", "one")
        if airgate_test_dose.WORD == "crash":
            import os
            os._exit(3)
        if airgate_test_dose.WORD == "raise":
            raise KeyError("weights")
        assert sys.prefix != sys.base_prefix
        return [Measurement(codes.VOLUME, float(slices), codes.MILLILITRE, codes.LUNG)]
"""


def write_model(folder: Path, word: str) -> str:
    """Code and wheelhouse; the sha256 of the wheel."""
    (folder / "wheels").mkdir(parents=True)
    (folder / "doses.py").write_text(MODEL, "utf-8")
    wheel = write_wheel(folder / "wheels", "airgate_test_dose", f"WORD = {word!r}\n")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def doses(requirement: str) -> ModelCard:
    return card({"entry": "doses:Doses", "requirements": [requirement], "wheels": "wheels"})


def loadable(folder: Path, requirement: str) -> Loadable:
    made = doses(requirement)
    python = Environments(folder.parent / "environments").python(made, folder)
    return Loadable(made, folder, python)


@pytest.fixture(scope="module")
def series(tmp_path_factory) -> list[bytes]:
    paths = chest_phantom(matrix=64).write(tmp_path_factory.mktemp("series"))
    return [path.read_bytes() for path in paths]


def test_a_model_runs_among_the_packages_that_its_card_asks_for(tmp_path, runtime, series):
    digest = write_model(tmp_path / "model", "answer")
    model = loadable(tmp_path / "model", f"airgate-test-dose==1.0 --hash=sha256:{digest}")
    told: list[int] = []
    (measured,) = runtime.predict(model, series, 60, watch=told.append).findings.measurements
    assert measured.value == len(series)
    again = loadable(tmp_path / "model", f"airgate-test-dose==1.0 --hash=sha256:{digest}")
    assert again == model
    assert len(list((tmp_path / "environments").iterdir())) == 1


def test_workers_of_one_machine_may_tidy_at_once(tmp_path):
    folder = tmp_path / "environments"
    for number in range(200):
        (folder / str(number)).mkdir(parents=True)
    environments = Environments(folder)
    with ThreadPoolExecutor(4) as threads:
        dropped = list(threads.map(lambda _: environments.tidy({}, time.time() + 60), range(4)))
    assert not list(folder.iterdir())
    assert sum(dropped) >= 200


def test_an_environment_is_dropped_when_nobody_needs_asks_for_or_uses_it(tmp_path, runtime):
    write_model(tmp_path / "model", "answer")
    environments = Environments(tmp_path / "environments")
    model = loadable(tmp_path / "model", "airgate-test-dose")
    (made,) = (tmp_path / "environments").iterdir()
    half = made.with_name("half.partial")
    half.mkdir()
    os.utime(half, (0, 0))

    assert environments.tidy({made.name}, time.time() + 60) == 1
    assert (made.exists(), half.exists()) == (True, False)
    os.utime(made, (0, 0))
    assert loadable(tmp_path / "model", "airgate-test-dose") == model  # asked for again
    assert environments.tidy({}, time.time() - 60) == 0

    runtime.warm_up(model)
    assert environments.tidy({}, time.time() + 60) == 0
    runtime.stop()
    assert environments.tidy({}, time.time() + 60) == 1
    assert not list((tmp_path / "environments").iterdir())


@pytest.mark.parametrize(
    ("word", "error", "told"),
    [
        ("refuse", NoResult, "found none"),
        ("raise", ModelFailed, "KeyError"),
        ("crash", ModelFailed, "exit code 3"),
    ],
)
def test_how_it_ends_there_is_told_here(tmp_path, runtime, series, word, error, told):
    write_model(tmp_path / "model", word)
    with pytest.raises(error, match=told):
        runtime.predict(loadable(tmp_path / "model", "airgate-test-dose"), series, 60)


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        ("airgate-test-dose==2.0", r"airgate-test-dose==2\.0.*runtime\.wheels"),
        (f"airgate-test-dose==1.0 --hash=sha256:{'0' * 64}", "(?i)hash"),
    ],
    ids=["another version", "another wheel"],
)
def test_what_cannot_be_installed_is_told_and_leaves_nothing(tmp_path, requirement, told):
    write_model(tmp_path / "model", "answer")
    with pytest.raises(EnvironmentNotMade, match=told):
        loadable(tmp_path / "model", requirement)
    assert list((tmp_path / "environments").iterdir()) == []


def test_without_its_environment_a_model_does_not_run_among_the_packages_of_the_gateway(runtime):
    with pytest.raises(ModelUnusable, match=r"airgate-test-dose.*no environment was made"):
        runtime.warm_up(Loadable(doses("airgate-test-dose==1.0")))


@pytest.mark.parametrize(
    "requirement", ["-r other.txt", "--index-url x", "x @ https://example.org/x.whl", "x --pre"]
)
def test_a_requirement_is_no_option_and_no_address(requirement):
    with pytest.raises(ValueError, match="requirements"):
        card({"entry": "doses:Doses", "requirements": [requirement]})
