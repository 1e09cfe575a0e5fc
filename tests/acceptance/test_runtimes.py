"""Each runtime through one whole gateway: registered over REST, routed, and found again by search.

The archive is an Orthanc whose own DICOMweb plug-in is asked beside the gateway.
"""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml
from dicomweb_client import DICOMwebClient
from pydicom import Dataset, dcmread

from tests.acceptance.brought_models import (
    Brought,
    bundle,
    container,
    network,
    python_with_wheel,
    served,
)
from tests.adapters.runtimes import networks
from tests.adapters.runtimes.inference_grpc_server import grpc_inference_server
from tests.adapters.runtimes.inference_server import Behaviour, inference_server
from tests.bench.rival import PlugIn
from tests.container_engine import engine
from tests.quick_model import TinyStudy, tiny_study
from tests.serving import Gateway, wait_until

pytestmark = pytest.mark.serve

# Model -> the number of its study, which is larger than the one before.
MODELS = {
    "torchscript": 1,
    "torch-export": 2,
    "onnx": 3,
    "python": 4,
    "kserve-http": 5,
    "kserve-grpc": 6,
    "ball_3d": 7,  # a MONAI bundle, called after its folder
    "container": 9,
}
# Columns of an image -> what `networks.Moody` makes of it, and what is told.
MOODS = {17: "NotFinite", 18: "WrongShape", 19: "UndescribedLabel"}
VOLUME = "http://snomed.info/sct|118565006"


@dataclass(frozen=True)
class House:
    """A gateway with a study for each model, stored; behaviour: of the server over HTTP."""

    gateway: Gateway
    orthanc: str
    folder: Path
    behaviour: Behaviour
    studies: dict[str, TinyStudy] = field(default_factory=dict)

    def store(self, number: int, model: str, size: int) -> TinyStudy:
        """What is bright lies above the threshold, all else below."""
        study = tiny_study(number, model, size=size, RescaleIntercept=-500)
        status, answer = self.gateway.client.store(study.write(self.folder / study.uid))
        assert status == 200, answer
        return study


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    folder, behaviour = tmp_path_factory.mktemp("runtimes"), Behaviour()
    rules = folder / "rules.yaml"
    rules.write_text(yaml.safe_dump([_rule(model) for model in (*MODELS, "moody")]), "utf-8")
    settings = {"rules": str(rules), "quiet_seconds": "0.3", "workers": "2"}
    with ExitStack() as running:
        http = running.enter_context(inference_server(behaviour))
        grpc = running.enter_context(grpc_inference_server(Behaviour()))
        docker = running.enter_context(engine(folder / "docker"))
        changed = running.enter_context(pytest.MonkeyPatch.context())
        changed.setenv("PATH", str(docker.folder / "bin"), prepend=":")
        orthanc = running.enter_context(PlugIn(folder)).url
        gateway = running.enter_context(Gateway(folder / "data", archive=orthanc, **settings))
        house = House(gateway, f"{orthanc}/dicom-web", folder, behaviour)
        brought = [
            network("torchscript", folder / "torchscript", networks.torchscript),
            network("torch-export", folder / "torch-export", networks.torch_export),
            network("onnx", folder / "onnx", networks.onnx_graph),
            python_with_wheel("python", folder / "python"),
            served("kserve-http", http),
            served("kserve-grpc", grpc),
            bundle(folder / "bundle"),
            container("container", folder / "container", docker),
            _moody(folder / "moody"),
        ]
        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(lambda one: one.register(gateway), brought))
        assert [one["name"] for one in answers] == [*MODELS, "moody"]
        promote = "/api/v1/models/ball_3d/0.1.2/promote"  # a bundle without a card is a draft
        gateway.client.post(promote, b'{"to": "live"}', "application/json")
        for model, number in MODELS.items():
            house.studies[model] = house.store(number, model, 20 + number)
        yield house


def _rule(model: str) -> dict:
    return {
        "name": model,
        "when": [{"attribute": "SeriesDescription", "equals": model}],
        "run": model,
    }


def _moody(folder: Path) -> Brought:
    output = {**networks.LABELS, "encoding": "labels"}
    write = partial(networks.torchscript, network=networks.Moody())
    return network("moody", folder, write, outputs=[output], resources={"retries": 0})


@pytest.mark.parametrize("model", MODELS)
def test_a_model_registered_over_rest_leaves_seg_sr_and_observation(house, model):
    study, gateway = house.studies[model], house.gateway

    (workitem,) = gateway.await_end(study.uid)

    assert workitem["procedure_step_state"] == "COMPLETED"
    assert (workitem["outcome"], workitem["model_name"]) == ("DONE", model), workitem
    images = [dcmread(io.BytesIO(content)) for content in study.contents]
    bright = sum(int(np.sum(image.pixel_array > 1000)) for image in images)
    millilitres = pytest.approx(bright * 1.25 * 1.5 * 5 / 1000, abs=0.051)  # one decimal

    own = {"Authorization": f"Bearer {gateway.token}"}
    here = DICOMwebClient(f"{gateway.url}/dicom-web", headers=own)
    there = DICOMwebClient(house.orthanc)
    segmentation, report = (_only(here, study.uid, kind) for kind in ("SEG", "SR"))
    assert int(np.sum(segmentation.pixel_array)) == bright
    assert millilitres in [*_numbers(report)]
    for one in (segmentation, report):
        assert _only(there, study.uid, one.Modality).SOPInstanceUID == one.SOPInstanceUID

    asked = {"patient.identifier": f"TINY-{MODELS[model]}", "code": VOLUME}
    (entry,) = gateway.http.get("/fhir/r4/Observation", params=asked).json()["entry"]
    quantity = entry["resource"]["valueQuantity"]
    assert (quantity["value"], quantity["code"]) == (millilitres, "ml")


def _only(client: DICOMwebClient, study: str, modality: str) -> Dataset:
    """The only instance of that modality in the study, searched for and retrieved."""
    wanted = {"Modality": modality}
    (found,) = client.search_for_series(study_instance_uid=study, search_filters=wanted)
    (one,) = client.retrieve_series(study, found["0020000E"]["Value"][0])
    return one


def _numbers(item: Dataset) -> Iterator[float]:
    """Every number of a structured report."""
    for measured in item.get("MeasuredValueSequence") or ():
        yield float(measured.NumericValue)
    for content in item.get("ContentSequence") or ():
        yield from _numbers(content)


def test_a_busy_inference_server_is_asked_again(house):
    house.gateway.await_end(house.studies["kserve-http"].uid)
    house.behaviour.status = 503
    study = house.store(20, "kserve-http", 20)
    wait_until(lambda: "busy" in house.behaviour.forms, 60, lambda: house.gateway.log[-2000:])
    house.behaviour.status = 200

    (workitem,) = house.gateway.await_end(study.uid)

    assert (workitem["outcome"], workitem["put_offs"] > 0) == ("DONE", True)


def test_tensors_that_no_card_explains_end_by_name_and_the_next_work_goes_on(house):
    ills = {size: house.store(size, "moody", size) for size in MOODS}
    well = house.store(30, "moody", 20)
    neighbour = house.store(31, "torchscript", 20)

    for size, study in ills.items():
        (workitem,) = house.gateway.await_end(study.uid)
        assert workitem["outcome"] == "FAILED"
        assert workitem["reason"].startswith(f"the model failed with {MOODS[size]}: ")
        asked = {"patient.identifier": f"TINY-{size}"}
        (entry,) = house.gateway.http.get("/fhir/r4/Observation", params=asked).json()["entry"]
        assert MOODS[size] in entry["resource"]["dataAbsentReason"]["text"]
    for study in (well, neighbour):
        (workitem,) = house.gateway.await_end(study.uid)
        assert workitem["outcome"] == "DONE"
