"""The way of a study through the gateway, without quiet time and model, against a naive script."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from pydicom import dcmread

from adapters.orthanc import OrthancArchive
from adapters.orthanc_process import child_url
from ai_models.bundled import bundled_models, digest_of
from ai_models.contract import Inputs
from ai_models.lung_ct.model import LungCT
from gateway.equipment import EQUIPMENT
from gateway.outputs import encode
from gateway.registry import RegisteredModel
from standards.analysis import Analysis, Result
from standards.findings import Findings
from standards.modality_values import modality_values
from standards.volume import volume_of
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.phantom import chest_phantom
from tests.serving import Gateway

QUIET_SECONDS = 0.5  # not counted
CHEST_MM = 320.0


def measure(plan: Plan) -> Iterator[Line]:
    """One gateway does studies of other UIDs one after another; the first warms both sides."""
    plan.say("making a chest CT")
    folder, slices = plan.place("orchestration"), plan.sizes.source_slices
    series = folder / "series"
    chest_phantom(
        slices=slices, slice_spacing=CHEST_MM / slices, matrix=plan.sizes.source_matrix, noise=15
    ).write(series)
    ours, naive = [], []
    data = folder / "airgate"
    with Gateway(data, quiet_seconds=str(QUIET_SECONDS)) as gateway:
        archive = OrthancArchive(child_url(data))
        for run in range(plan.repeat + 1):
            plan.say(f"run {run} of {plan.repeat}")
            study = copied(series, folder / f"study{run}", run)
            seconds = _through_gateway(gateway, study)
            rival = _naive(study, archive)
            shutil.rmtree(study)
            if run:
                ours.append(seconds)
                naive.append(rival)
    work = f"orchestration, {slices} slices"
    yield Line(work, ours, naive, "0.67 x", against="naive script")


def copied(series: Path, folder: Path, run: int) -> Path:
    """The same images as another study."""
    folder.mkdir()
    for path in series.iterdir():
        image = dcmread(path)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(image, keyword, f"{image[keyword].value[:60]}.{run}")
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.save_as(folder / path.name)
    return folder


def _through_gateway(gateway: Gateway, series: Path) -> float:
    """First STOW byte to the last output retrieved, less quiet time and the model's own time."""
    files = sorted(series.iterdir())
    study = str(dcmread(files[0], stop_before_pixels=True).StudyInstanceUID)
    started = time.perf_counter()
    status, _ = gateway.client.store(files)
    assert status == 200
    gateway.await_end(study)
    (result,) = gateway.results(study)
    headers = {"Authorization": f"Bearer {gateway.token}", "Accept": "application/dicom"}
    with httpx.Client(headers=headers) as http:
        for one in result["objects"]:
            http.get(one["url"]).raise_for_status()
        for one in result["fhir"]:
            http.get(one["url"], headers={"Accept": "*/*"}).raise_for_status()
    seconds = time.perf_counter() - started
    steps = [e["detail"] for e in gateway.trace(study)["events"] if e["kind"] == "step"]
    model = next(step["seconds"] for step in steps if step["name"] == "model")
    return seconds - QUIET_SECONDS - model


def _naive(series: Path, archive: OrthancArchive) -> float:
    """Read the folder, run the model, write the same objects, upload them; less the model."""
    card = next(card for card in bundled_models().values() if card.name == "lung_ct")
    folder = next(f for f, card in bundled_models().items() if card.name == "lung_ct")
    model = RegisteredModel(card, digest_of(folder))
    clock = _Clock()
    started = time.perf_counter()
    instances = [dcmread(path) for path in sorted(series.iterdir())]
    volume = volume_of(instances)
    with clock.running():
        findings = Findings.of(LungCT().predict(Inputs({"image": volume})))
    by_uid = {one.SOPInstanceUID: one for one in instances}
    # Another start than the gateway's, so that the archive gets objects of its own to keep.
    analysis = Analysis(model.algorithm, EQUIPMENT, volume.instances, datetime.now(UTC))
    objects = encode(
        Result(analysis, findings),
        lambda index: modality_values(by_uid[volume.instances[index].SOPInstanceUID]),
    )
    for one in objects:
        one.dataset.SOPInstanceUID += ".1"
        one.dataset.file_meta.MediaStorageSOPInstanceUID = one.dataset.SOPInstanceUID
        archive.store(one.part10())
    return time.perf_counter() - started - clock.seconds


class _Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - started
