"""The model around the boxes: what it says of images and loops, and what comes of it."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import MultiFrameTrueColorSecondaryCaptureImageStorage
from typer.testing import CliRunner

from ai_models.burned_in_text.model import BurnedInText
from ai_models.contract import Inputs
from gateway.cli import app
from standards import codes
from standards.derived import part10
from standards.findings import Findings
from standards.images import Image
from tests.pictures import cine, ultrasound
from tools.burned_in_text.pictures import Picture, picture

SIZE = (256, 320)


@pytest.fixture(scope="module")
def made() -> Picture:
    return picture(np.random.default_rng(3), SIZE, 3, 0, background="plain")


@pytest.fixture
def image(made) -> Dataset:
    image = ultrasound(rows=SIZE[0], columns=SIZE[1])
    return _with(image, np.repeat(_tones(made)[..., None], 3, axis=2))


def found_in(*images: Dataset) -> Findings:
    inputs = Inputs({}, image_series={"image": [Image(image) for image in images]})
    return Findings.of(list(BurnedInText().predict(inputs)))


def test_writing_is_boxed_on_the_image_that_has_it(made, image):
    plain = ultrasound(2, rows=SIZE[0], columns=SIZE[1])
    findings = found_in(_with(plain, np.full((*SIZE, 3), 9, np.uint8)), image)

    (judged,) = findings.classifications
    assert (judged.concept, judged.value) == (codes.BURNED_IN_TEXT, codes.PRESENT)
    assert {region.image_index for region in findings.regions} == {1}
    inside = np.zeros(SIZE, bool)
    for (left, top), (right, bottom) in (region.points for region in findings.regions):
        inside[int(top) : int(bottom), int(left) : int(right)] = True
    assert inside[made.ink].mean() > 0.95


def test_no_writing_is_said_to_be_absent():
    empty = _with(ultrasound(rows=SIZE[0], columns=SIZE[1]), np.zeros((*SIZE, 3), np.uint8))
    findings = found_in(empty)
    (judged,) = findings.classifications
    assert judged.value == codes.ABSENT
    assert not findings.regions


def test_what_stands_still_in_a_loop_is_told_once(made):
    loop = _with(cine(5, *SIZE), np.repeat(_tones(made)[None], 5, axis=0))
    regions = found_in(loop).regions
    assert regions
    assert {region.frame for region in regions} == {1}


def test_a_header_that_denies_it_is_a_warning(image):
    assert not found_in(image).caveats
    image.BurnedInAnnotation = "NO"
    (caveat,) = found_in(image).caveats
    assert "0028,0301" in caveat.text


def test_a_captured_screen_is_chosen_and_its_boxes_become_a_presentation_state(
    image, tmp_path: Path
):
    image.SOPClassUID = MultiFrameTrueColorSecondaryCaptureImageStorage
    image.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    image.NumberOfFrames = 1
    (tmp_path / "screen.dcm").write_bytes(part10(image))
    out = tmp_path / "out"

    ended = CliRunner().invoke(app, ["run", "burned_in_text", str(tmp_path), "--out", str(out)])

    assert ended.exit_code == 0, ended.output
    drawn = dcmread(out / "pr.dcm")
    (referenced,) = drawn.ReferencedSeriesSequence[0].ReferencedImageSequence
    assert referenced.ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert drawn.GraphicAnnotationSequence
    assert dcmread(out / "sr.dcm").Modality == "SR"


def _tones(made: Picture) -> np.ndarray:
    return np.rint(made.plane * 255).astype(np.uint8)


def _with(image: Dataset, pixels: np.ndarray) -> Dataset:
    image.PixelData = pixels.tobytes()
    return image
