"""A radiograph and a colour ultrasound through the whole house: marked, judged, shown."""

import io
import textwrap
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread

from standards.derived import part10
from tests import judges
from tests.browser import chromium, new_page, sign_in, skip_without_ohif
from tests.fhir_schema import schema_errors
from tests.pictures import radiograph, ultrasound
from tests.serving import Gateway

pytestmark = pytest.mark.serve

MODEL = """
    import numpy as np

    from standards import codes
    from standards.findings import Classification, Region, Shape


    class Bright:
        def predict(self, inputs):
            for index, image in enumerate(inputs.images):
                pixels = image.pixels()
                rows, columns = np.nonzero(pixels.reshape(*pixels.shape[:2], -1)[..., 0] > 200)
                corners = (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)
                yield Region(Shape.BOX, corners, "Bright", codes.LUNG, index, probability=0.9)
            yield Classification(codes.LUNG, codes.PRESENT, probability=0.75)
"""
CARD = """
    name = "bright"
    version = "1"
    title = "Bright"
    description = "Points at what is bright."
    manufacturer = "Tests"
    intended_use = "Tests only."
    license = "Apache-2.0"
    [runtime]
    entry = "bright:Bright"
    [[inputs]]
    kind = "images"
    modality = ["DX", "US"]
"""
RULES = """
- name: bright
  when:
    - {attribute: Modality, one_of: [DX, US]}
  run: bright
"""
OPEN_MS = 180_000  # software rendering on two busy cores
IMAGES = {"DX": radiograph(rows=256, columns=320), "US": ultrasound(rows=256, columns=320)}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "rules.yaml").write_text(RULES)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("bright.py", textwrap.dedent(MODEL))
        content.writestr("card.toml", textwrap.dedent(CARD))
    files = [folder / f"{modality}.dcm" for modality in IMAGES]
    for path, image in zip(files, IMAGES.values(), strict=True):
        path.write_bytes(part10(image))
    with Gateway(folder / "data", rules=str(folder / "rules.yaml")) as gateway:
        gateway.client.post("/api/v1/models", archive.getvalue(), "application/zip")
        assert gateway.client.store(files)[0] == 200
        for image in IMAGES.values():
            gateway.await_end(image.StudyInstanceUID)
        yield gateway


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest) -> Dataset:
    return IMAGES[request.param]


@pytest.fixture
def result(gateway: Gateway, image: Dataset) -> dict[str, Any]:
    (result,) = gateway.results(image.StudyInstanceUID)
    assert result["workitem"]["outcome"] == "DONE", result["workitem"]
    return result


def _object(gateway: Gateway, result: dict[str, Any], kind: str, folder: Path) -> Path:
    (found,) = [one for one in result["objects"] if one["kind"] == kind]
    reply = gateway.http.get(found["url"], headers={"Accept": "application/dicom"})
    path = folder / f"{kind}.dcm"
    path.write_bytes(reply.raise_for_status().content)
    return path


def test_the_archive_holds_a_report_and_a_presentation_state_without_fault(
    gateway, image, result, tmp_path
):
    source = tmp_path / "source.dcm"
    source.write_bytes(part10(image))
    report, state = (_object(gateway, result, kind, tmp_path) for kind in ("SR", "PR"))

    assert [one["kind"] for one in result["objects"]] == ["SR", "PR"]
    assert judges.dciodvfy(report, source) + judges.dciodvfy(state, source) == []
    assert judges.dsrdump(report) + judges.dcmpschk(state) == []
    assert judges.dcentvfy([report, state], [source]) == []
    assert "Grayscale" in dcmread(state).SOPClassUID.name or image.Modality == "US"
    assert {r["name"] for r in result["regions"]} == {"Bright"}
    assert [c["value"] for c in result["classifications"]] == ["Present"]


def test_the_box_and_the_answer_are_valid_fhir_observations(gateway, result):
    paths = [
        f"/fhir/r4/Observation/{one['id']}"
        for one in result["fhir"]
        if one["resource_type"] == "Observation"
    ]
    found = [gateway.client.json(path) for path in paths]

    assert [schema_errors(one) for one in found] == [[], []]
    assert {one["valueCodeableConcept"]["text"] for one in found} == {"Bright", "Present"}
    assert {one["component"][0]["valueQuantity"]["value"] for one in found} == {90, 75}


def test_the_presentation_state_draws_the_box_where_it_is_bright(gateway, image, result):
    (state,) = [one for one in result["objects"] if one["kind"] == "PR"]
    path = state["url"].removeprefix(gateway.url) + "/rendered"
    reply = gateway.http.get(path, headers={"Accept": "image/png"}).raise_for_status()
    picture = np.asarray(Image.open(io.BytesIO(reply.content)).convert("RGB")).astype(int)

    (left, _), (right, _) = result["regions"][0]["points"]
    yellow = (picture[..., 0] - picture[..., 2] > 100) & (picture[..., 1] > 150)
    columns = np.nonzero(yellow[100:200].mean(axis=0) > 0.9)[0]
    assert picture.shape[:2] == (image.Rows, image.Columns)
    assert columns.size
    assert min(abs(columns - left)) <= 2
    assert columns.max() <= right


def test_the_console_lists_what_was_found(gateway, image, result):
    page = gateway.http.get(f"/ui/studies/{image.StudyInstanceUID}").text
    assert "Bright" in page
    assert "box on an image" in page


@pytest.mark.browser
def test_ohif_draws_the_box_of_the_report_on_the_radiograph(gateway):
    """Of presentation states it draws none, so the report has to bring the box."""
    skip_without_ohif()
    study = IMAGES["DX"].StudyInstanceUID
    (result,) = gateway.results(study)
    with chromium() as browser:
        page = new_page(browser)
        sign_in(page, gateway)
        page.goto(f"{gateway.url}/viewer?StudyInstanceUIDs={study}")
        page.wait_for_selector("html[data-airgate-results=open]", timeout=OPEN_MS, state="attached")
        drawn = page.evaluate(
            "window.services.measurementService.getMeasurements().map(one => "
            "[one.label, one.toolName, one.referencedImageId])"
        )

    ((label, tool, image),) = drawn
    assert (label, tool) == ("Bright", "RectangleROI")
    assert result["regions"][0]["sop_instance_uid"] in image
