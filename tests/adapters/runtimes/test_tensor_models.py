"""TorchScript, torch.export and ONNX, truly run: tensors out are findings by the card alone."""

import math

import numpy as np
import pytest
import torch

from adapters.runtimes.loading import Loadable, load
from adapters.runtimes.tensor_model import MissingFile
from ai_models.contract import Inputs
from ai_models.tensor_errors import NotFinite, WrongCount, WrongShape
from standards.errors import UndescribedLabel
from standards.findings import Findings
from tests.adapters.runtimes import networks
from tests.ball import ball_mask, ball_volume
from tests.cards import card

CT = [{"modality": ["CT"]}]
REGRESSION = {
    "kind": "regression",
    "concept": {"scheme": "SCT", "value": "118565006", "meaning": "Volume"},
    "unit": "ml/min",
    "site": networks.LIVER,
    "scale": 2.0,
    "offset": 1.0,
}


def found(folder, runtime, outputs=(networks.LABELS,), **sections) -> Findings:
    model = load(Loadable(card(runtime, inputs=CT, outputs=list(outputs), **sections), folder))
    return Findings.of(model.predict(Inputs({"image": ball_volume()})))


def marked(findings: Findings) -> np.ndarray:
    assert findings.label_map is not None
    return findings.label_map.voxels


@pytest.mark.parametrize(
    "write", [networks.torchscript, networks.torch_export, networks.onnx_graph]
)
@pytest.mark.parametrize(
    "inference",
    [{}, {"mode": "sliding-window", "roi_size": [8, 16, 16], "batch": 3}],
    ids=["whole", "sliding window"],
)
def test_each_kind_of_network_marks_the_ball_exactly(tmp_path, write, inference):
    findings = found(tmp_path, write(tmp_path), inference=inference)

    np.testing.assert_array_equal(marked(findings), ball_mask())
    (volume,) = findings.measurements
    assert volume.value == pytest.approx(ball_mask().sum() * 2.5 / 1000)
    assert findings.key_image is not None
    assert ball_mask()[findings.key_image.slice_index].sum() == ball_mask().sum((1, 2)).max()


def test_half_precision_other_memory_format_and_given_threads_change_nothing_that_counts(tmp_path):
    resources = {"autocast": True, "channels_last": True, "threads": 2}
    findings = found(tmp_path, networks.torchscript(tmp_path), resources=resources)
    np.testing.assert_array_equal(marked(findings), ball_mask())


def test_a_network_of_slices_sees_them_in_batches(tmp_path):
    runtime = networks.torchscript(tmp_path, networks.Bright(2))
    findings = found(tmp_path, runtime, inference={"mode": "slices", "batch": 5})
    np.testing.assert_array_equal(marked(findings), ball_mask())


@pytest.mark.parametrize(
    "preprocessing",
    [
        {"orientation": "RAS"},
        {"orientation": "SPR"},
        {"orientation": "LIA", "transforms": [{"name": "DivisiblePad", "arguments": {"k": 16}}]},
        {
            "orientation": "RAS",
            "transforms": [
                {"name": "CenterSpatialCrop", "arguments": {"roi_size": [32, 30, 12]}},
            ],
        },
    ],
    ids=str,
)
def test_what_was_turned_padded_or_cropped_comes_back_onto_the_grid_of_the_source(
    tmp_path, preprocessing
):
    findings = found(tmp_path, networks.torchscript(tmp_path), preprocessing=preprocessing)
    np.testing.assert_array_equal(marked(findings), ball_mask())


def test_what_was_resampled_comes_back_as_close_as_its_voxels_allow(tmp_path):
    preprocessing = {"orientation": "RAS", "spacing_mm": [1.5, 1.5, 1.5], "size": [30, 24, 24]}
    findings = found(tmp_path, networks.torchscript(tmp_path), preprocessing=preprocessing)
    common = 2 * (marked(findings).astype(bool) & ball_mask()).sum()
    assert common / (marked(findings).sum() + ball_mask().sum()) > 0.85


def test_hounsfield_units_are_measured_of_the_source_not_of_what_was_prepared(tmp_path):
    measure = ["volume", "mean", "minimum", "maximum", "standard-deviation"]
    label = {**networks.LABELS["labels"][0], "measure": measure}
    findings = found(
        tmp_path,
        networks.torchscript(tmp_path),
        [{"kind": "labels", "labels": [label]}],
        preprocessing={"window": {"low": 0, "high": 1000, "to_high": 1000}},
    )
    values = [one.value for one in findings.measurements[1:]]
    assert values == pytest.approx([800, 800, 800, 0])


class Fixed(torch.nn.Module):
    """Answers the same, whatever it sees."""

    def __init__(self, answer: torch.Tensor) -> None:
        super().__init__()
        self.answer = torch.nn.Buffer(answer)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.answer


def test_a_number_becomes_a_measurement_with_its_unit(tmp_path):
    runtime = networks.torchscript(tmp_path, Fixed(torch.tensor([[20.0]])))
    (measured,) = found(tmp_path, runtime, [REGRESSION]).measurements
    assert (measured.value, measured.unit.value) == (41.0, "ml/min")


def test_classes_are_present_or_absent_with_the_probability_of_that(tmp_path):
    classes = [{"finding": networks.LIVER}, {"finding": networks.LIVER, "threshold": 0.1}]
    output = {"kind": "classes", "encoding": "sigmoid", "classes": classes, "calibration": "none"}
    answer = torch.logit(torch.tensor([[0.2, 0.2]]))
    runtime = networks.torchscript(tmp_path, Fixed(answer))
    first, second = found(tmp_path, runtime, [output]).classifications
    assert (first.is_present, second.is_present) == (False, True)
    assert (first.probability, second.probability) == pytest.approx((0.8, 0.2))
    assert first.calibration == "none"


def test_points_are_told_in_the_patient_and_weak_ones_are_not(tmp_path):
    output = {"kind": "points", "name": "Middle", "finding": networks.LIVER}
    answer = torch.tensor([[[0.0, 0.0, 1.0, 0.9], [0.0, 0.0, 0.0, 0.3]]])
    runtime = networks.torchscript(tmp_path, Fixed(answer))
    (region,) = found(tmp_path, runtime, [output], preprocessing={"orientation": "RAS"}).regions
    # the first voxel to the right and to the front is the last column and the first row in LPS
    assert region.points == ((pytest.approx(19.0), pytest.approx(-69.0), pytest.approx(302.5)),)
    assert region.probability == pytest.approx(0.9)


def test_a_heat_map_lies_on_the_grid_of_the_source_within_its_range(tmp_path):
    score = {"scheme": "DCM", "value": "130404", "meaning": "Saliency"}
    output = {"kind": "heat-map", "name": "Brightness", "quantity": score, "unit": "1"}
    runtime = networks.torchscript(tmp_path, torch.nn.Identity())
    (heat_map,) = found(
        tmp_path,
        runtime,
        [{**output, "value_range": [0, 500]}],
        preprocessing={"orientation": "RAS"},
    ).heat_maps
    expected = np.where(ball_mask(), 500, 0)
    np.testing.assert_allclose(heat_map.voxels, expected, atol=0.01)


SHAPE = (1, 2, *ball_mask().shape)


@pytest.mark.parametrize(
    ("answer", "outputs", "error", "told"),
    [
        (torch.full(SHAPE, math.nan), [networks.LABELS], NotFinite, "NaN"),
        (torch.zeros(1, 3, *SHAPE[2:]), [networks.LABELS], WrongShape, r"\(2, 12, 32, 40\)"),
        (torch.zeros(1, 2, 5, 5, 5), [networks.LABELS], WrongShape, r"\(2, 5, 5, 5\)"),
        (torch.zeros(SHAPE), [networks.LABELS, REGRESSION], WrongCount, "1 tensor"),
        (torch.tensor([[math.inf]]), [REGRESSION], NotFinite, "infinity"),
        (torch.zeros(1, 4), [REGRESSION], WrongShape, r"\(4,\)"),
        (
            torch.full((1, 1, *SHAPE[2:]), 7.0),
            [{**networks.LABELS, "encoding": "labels"}],
            UndescribedLabel,
            "label 7",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_tensors_that_are_not_what_the_card_says_end_by_name(
    tmp_path, answer, outputs, error, told
):
    with pytest.raises(error, match=told):
        found(tmp_path, networks.torchscript(tmp_path, Fixed(answer)), outputs)


@pytest.mark.parametrize(("encoding", "level"), [("sigmoid", 2.0), ("probability", 0.8)])
def test_labels_that_overlap_give_the_last_of_them(tmp_path, encoding, level):
    answer = torch.zeros(SHAPE) - 9
    answer[:, :, 3:6] = level
    answer[:, 1, 5] = 0
    labels = [{"name": name, "type": networks.LIVER} for name in ("One", "Two")]
    output = {"kind": "labels", "encoding": encoding, "threshold": 0.7, "labels": labels}
    voxels = marked(found(tmp_path, networks.torchscript(tmp_path, Fixed(answer)), [output]))
    assert [int(voxels[n].max()) for n in (2, 3, 5, 6)] == [0, 2, 1, 0]


@pytest.mark.parametrize("kind", ["torchscript", "torch-export", "onnx"])
def test_a_file_that_is_missing_or_none_of_its_kind_is_told(tmp_path, kind):
    one = card({"kind": kind}, outputs=[networks.LABELS])
    with pytest.raises(MissingFile, match="model"):
        load(Loadable(one, None))
    (tmp_path / one.runtime.file).write_bytes(b"no network")
    with pytest.raises(Exception, match=r"(?i)fail|not|parse|zip|archive"):
        load(Loadable(one, tmp_path))


def test_a_transform_without_an_argument_that_it_needs_is_told_when_the_model_is_loaded(
    tmp_path,
):
    transform = {"name": "SpatialPad"}
    with pytest.raises(TypeError, match="spatial_size"):
        found(tmp_path, networks.torchscript(tmp_path), preprocessing={"transforms": [transform]})
