"""Where writing is found: on pictures that are made, on real ones, and where none is."""

import numpy as np
import pytest

from ai_models.burned_in_text.boxes import Box, text_boxes
from ai_models.burned_in_text.network import LAYERS, WEIGHTS, likelihood
from tests.accuracy.burned_in_text import WORST, Score, real_score, scores, summed
from tests.accuracy.real_writing import LINES, WITHOUT
from tests.shared_data import shared_data
from tools.burned_in_text.backgrounds import KINDS
from tools.burned_in_text.pictures import picture
from tools.burned_in_text.train import arrays_of, trained


@pytest.fixture(scope="module")
def made() -> Score:
    return summed(score for kind in KINDS for score in scores(kind.__name__, 2))


def test_nearly_all_writing_is_found_on_every_kind_of_background(made):
    assert made.found >= WORST["recall"] * made.lines


def test_few_boxes_hold_no_writing(made):
    assert made.false_boxes <= WORST["false boxes"] * made.pictures


@pytest.mark.parametrize("name", LINES)
def test_writing_in_real_images_is_found(name):
    score = real_score(shared_data(*name.split("/")), LINES[name])
    assert score.found >= WORST["recall of real images"] * score.lines


@pytest.mark.parametrize("name", WITHOUT)
def test_real_images_without_writing_have_hardly_a_box(name):
    assert real_score(shared_data(*name.split("/")), ()).false_boxes <= 1


def test_brightness_colour_and_number_type_do_not_matter():
    plane = picture(np.random.default_rng(5), (256, 256), 4, 0, background="plain").plane
    boxes = text_boxes(plane)
    assert boxes
    assert text_boxes((plane * 4095).astype(np.int16) - 1024) == boxes
    assert text_boxes(np.repeat((plane * 255).astype(np.uint8)[..., None], 3, axis=2)) == boxes


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (64, 64), (129, 203), (128, 128, 3)])
def test_images_of_one_tone_have_no_boxes_whatever_their_size(shape):
    assert text_boxes(np.full(shape, 7, np.uint8)) == []


def test_boxes_lie_inside_the_image():
    made = picture(np.random.default_rng(7), (130, 203), 6, 0, background="plain")
    for box in text_boxes(made.plane):
        assert Box(0, 0, 1, 1) <= Box(*box)
        assert box.bottom <= 130
        assert box.right <= 203


def test_what_is_trained_is_what_is_carried_out(monkeypatch):
    """The same layers in torch and in NumPy, and weights that both understand."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr("tools.burned_in_text.train.PICTURES", 16)
    network = trained(2, np.random.default_rng(1))
    with np.load(WEIGHTS) as stored:
        assert {name: values.shape for name, values in arrays_of(network).items()} == {
            name: stored[name].shape for name in stored.files
        }
        network.load_state_dict(
            {
                f"{2 * n}.{kind}": torch.from_numpy(stored[f"{kind}{n}"])
                for n in range(len(LAYERS))
                for kind in ("weight", "bias")
            }
        )
    image = np.random.default_rng(2).normal(size=(75, 98)).astype(np.float32)
    with torch.no_grad():
        wanted = torch.sigmoid(network(torch.from_numpy(image)[None, None]))[0, 0].numpy()
    np.testing.assert_allclose(likelihood(image), wanted, atol=1e-4)
    assert WEIGHTS.stat().st_size < 2 * 1024**2
