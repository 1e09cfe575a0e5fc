"""Networks with several channels and several inputs: each gets what the card says, in its place."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pydicom import Dataset

from adapters.runtimes.tensor_model import TensorModel
from ai_models.contract import Inputs, NoResult
from standards.findings import Findings
from standards.images import Image
from standards.volume import Volume
from tests.adapters.runtimes.detectors import found, picture, volume
from tests.cards import card
from tests.pictures import ultrasound

SALIENCY = {"scheme": "DCM", "value": "130404", "meaning": "Saliency"}
MAP = {"kind": "heat-map", "name": "Difference", "quantity": SALIENCY, "unit": "1"}
MAP |= {"value_range": [-5000, 5000]}
TWO = [{"name": "t1", "modality": ["MR"]}, {"name": "t2", "modality": ["MR"]}]
T1_T2 = [{"input": "t1"}, {"input": "t2"}]


class Difference(torch.nn.Module):
    """The first channel minus the second; or of two tensors, the first minus twice the second."""

    def forward(self, first: torch.Tensor, second: torch.Tensor | None = None) -> torch.Tensor:
        if second is None:
            return first[:, :1] - first[:, 1:]
        return first - 2 * second


def difference(t1: Volume, t2: Volume, **sections) -> np.ndarray:
    sections = {"inputs": TWO, "channels": T1_T2} | sections
    one = card({"kind": "torchscript"}, outputs=[MAP], **sections)
    model = TensorModel(one, Difference(), torch.device("cpu"))
    (heat_map,) = Findings.of(model.predict(Inputs({"t2": t2, "t1": t1}))).heat_maps
    return heat_map.voxels


def other(factor: float, **changes) -> Volume:
    one = volume()
    voxels = (one.voxels * factor).astype(np.int16)
    return replace(one, voxels=voxels, **changes)


def test_each_series_is_the_channel_that_the_card_says():
    t1, t2 = volume(), other(0.25)
    np.testing.assert_allclose(difference(t1, t2), t1.voxels * 0.75)
    swapped = difference(t1, t2, channels=T1_T2[::-1], preprocessing={"orientation": "RAS"})
    np.testing.assert_allclose(swapped, t1.voxels * -0.75, atol=1e-3)


def test_a_series_is_brought_onto_the_grid_of_the_first():
    t1, t2 = volume(), other(0.5)
    from_above = np.diag([-1.0, 1, 1, 1])
    from_above[0, 3] = len(t2.voxels) - 1
    turned = replace(t2, voxels=t2.voxels[::-1], affine=t2.affine @ from_above)
    np.testing.assert_allclose(difference(t1, turned), t1.voxels * 0.5, atol=1e-3)

    finer = np.repeat(t2.voxels, 2, axis=2)  # of each column, two whose middles lie beside its own
    two_for_one = np.diag([1, 1, 0.5, 1])
    two_for_one[2, 3] = -0.25
    split = replace(t2, voxels=finer, affine=t2.affine @ two_for_one)
    np.testing.assert_allclose(difference(t1, split), t1.voxels * 0.5, atol=1e-3)


def test_where_a_series_does_not_reach_its_lowest_value_stands():
    t1 = volume()
    shorter = other(1, instances=t1.instances[:22])
    shorter = replace(shorter, voxels=shorter.voxels[:22])
    np.testing.assert_allclose(difference(t1, shorter), 0, atol=1e-3)


@pytest.mark.parametrize(
    ("t2", "told"),
    [
        (volume("1.2.4"), "Frame of Reference UID of input t2: found 1.2.4, expected 1.2.3"),
        (other(1, instances=(Dataset(),)), "found none, expected 1.2.3"),
        (volume(shape=(12, 32, 40)), "overlap of input t2 .*: found 50%.*, expected 90% or more"),
    ],
    ids=["frame of reference", "none", "overlap"],
)
def test_series_that_do_not_lie_in_the_same_place_are_refused(t2, told):
    with pytest.raises(NoResult, match=told):
        difference(volume(), t2)


def test_a_card_may_be_content_with_less_overlap():
    channels = [T1_T2[0], T1_T2[1] | {"minimum_overlap": 0.5}]
    half = difference(volume(), volume(shape=(12, 32, 40)), channels=channels)
    assert half.shape == volume().voxels.shape


def test_one_series_may_be_several_channels_by_windows_of_their_own():
    channels = [
        {"input": "image"},
        {"input": "image", "window": {"low": -200, "high": 800, "to_high": 10}},
    ]
    window = {"low": 0, "high": 400, "to_high": 4}
    (heat_map,) = found(
        Difference(), volume(), MAP, channels=channels, preprocessing={"window": window}
    ).heat_maps
    np.testing.assert_allclose(heat_map.voxels, np.where(volume().voxels > 0, 4 - 10, 0))


@pytest.mark.parametrize("inference", [{}, {"mode": "sliding-window", "roi_size": [12, 16, 20]}])
def test_a_network_may_have_several_input_tensors(inference):
    channels = [{"input": "t1", "tensor": "a"}, {"input": "t2", "tensor": "b"}]
    t1, t2 = volume(), other(0.25)
    seen = difference(t1, t2, channels=channels, inference=inference)
    np.testing.assert_allclose(seen, t1.voxels * 0.5, atol=1e-3)
    seen = difference(t1, t2, channels=channels[::-1], inference=inference)
    np.testing.assert_allclose(seen, t1.voxels * (0.25 - 2), atol=1e-2)


class Mean(torch.nn.Module):
    """Of each channel, in thousands: as probabilities."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return batch.mean((2, 3)) / 1000


def means(seen: Image, *channels: dict[str, str]) -> list[float]:
    classes = [{"finding": SALIENCY, "threshold": 0.001} for _ in channels]
    output = {"kind": "classes", "encoding": "probability", "classes": classes}
    claimed = found(Mean(), seen, output, channels=list(channels)).classifications
    sure = [(one.probability or 0, one.is_present) for one in claimed]
    return [share if is_present else 1 - share for share, is_present in sure]


def test_colours_of_an_image_are_channels_and_a_grey_one_has_them_all_alike():
    channels = [{"input": "image", "colour": one} for one in ("red", "green", "blue")]
    coloured = Image(ultrasound())
    expected = coloured.pixels().astype(float)
    red, green, blue, grey = means(coloured, *channels, {"input": "image"})
    assert [red, green, blue] == pytest.approx((expected.mean((0, 1)) / 1000).tolist(), rel=1e-5)
    assert grey == pytest.approx((expected @ [0.299, 0.587, 0.114]).mean() / 1000, abs=1e-6)
    assert len(set(means(picture(), *channels))) == 1


def test_of_several_images_the_one_that_says_present_most_surely_counts():
    classes = [{"finding": SALIENCY, "threshold": 0.02}]
    output = {"kind": "classes", "encoding": "probability", "classes": classes}
    one = card({"kind": "torchscript"}, inputs=[{"kind": "images"}], outputs=[output])
    dark = picture(2)
    dark.instance.PixelData = bytes(len(dark.instance.PixelData))
    inputs = Inputs({}, image_series={"image": [dark, picture()]})
    (claimed,) = TensorModel(one, Mean(), torch.device("cpu")).predict(inputs)
    assert claimed.is_present
    assert claimed.probability == pytest.approx(800 * 140 / (64 * 80) / 1000)
