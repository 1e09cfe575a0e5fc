"""A model that asks for images instead of a volume, in a real child process."""

import textwrap
from pathlib import Path

import pytest

from adapters.runtimes.errors import ModelFailed
from adapters.runtimes.loading import Loadable
from adapters.runtimes.model_process import ModelProcess
from standards.derived import part10
from standards.errors import UnfitSeries
from tests.cards import card
from tests.pictures import cine, radiograph, ultrasound

MODELS = """
    from standards import codes
    from standards.findings import Classification, Region, Shape

    class Marks:
        def predict(self, inputs):
            for index, image in enumerate(inputs.images):
                for frame in range(1, image.frames + 1):
                    rows, columns = image.pixels(frame).shape[:2]
                    told = {"frame": frame} if image.frames > 1 else {}
                    yield Region(
                        Shape.BOX, ((0, 0), (columns, rows)), str(image.instance.InstanceNumber),
                        codes.LUNG, index, **told,
                    )

    class Outside:
        def predict(self, inputs):
            return [Region(Shape.POINT, ((1, 999),), "Far away", codes.LUNG, 0)]
"""
INPUTS = [{"kind": "images", "modality": ["US", "DX"]}]


@pytest.fixture(scope="module")
def runtime():
    runtime = ModelProcess()
    yield runtime
    runtime.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("marks")
    (folder / "marks.py").write_text(textwrap.dedent(MODELS))
    return folder


def model(folder: Path, name: str) -> Loadable:
    return Loadable(card({"entry": f"marks:{name}"}, inputs=INPUTS), folder)


def test_images_come_in_the_order_of_their_numbers_each_with_its_size(runtime, folder):
    files = [part10(image) for image in (radiograph(2, rows=30), radiograph(1))]
    found = runtime.predict(model(folder, "Marks"), files, 60).findings

    assert [region.name for region in found.regions] == ["1", "2"]
    assert [region.points[1] for region in found.regions] == [(80, 64), (80, 30)]


def test_colour_and_every_frame_of_a_loop_can_be_read(runtime, folder):
    coloured = runtime.predict(model(folder, "Marks"), [part10(ultrasound())], 60).findings
    loop = runtime.predict(model(folder, "Marks"), [part10(cine(frames=3))], 60).findings

    assert len(coloured.regions) == 1
    assert [region.frame for region in loop.regions] == [1, 2, 3]


def test_images_of_two_patients_are_refused_and_the_process_goes_on(runtime, folder):
    files = [part10(radiograph()), part10(radiograph(2, PatientID="other"))]
    with pytest.raises(UnfitSeries, match="PatientID"):
        runtime.predict(model(folder, "Marks"), files, 60)

    assert runtime.predict(model(folder, "Marks"), files[:1], 60).findings.regions


def test_a_region_outside_its_image_is_the_models_failure(runtime, folder):
    with pytest.raises(ModelFailed, match="rows from 0 to 64"):
        runtime.predict(model(folder, "Outside"), [part10(radiograph())], 60)
