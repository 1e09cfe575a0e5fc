"""The model against a phantom whose measurements are known."""

import numpy as np
import pytest

from standards import codes
from tests.ai_models.lungs import dice, findings_on, labels_of, measured
from tests.phantom import Phantom, chest_phantom

PRONE, MIRRORED = (-1, 0, 0, 0, -1, 0), (-1, 0, 0, 0, 1, 0)
CASES = {
    "without noise": {},
    "with noise": {"noise": 15.0},
    "with the noise of a low dose": {"noise": 30.0},
    "with lungs that touch": {"noise": 12.0, "lungs_touch": True},
    "with severe emphysema": {"noise": 12.0, "emphysema": (0.3, 0.4)},
    "without emphysema": {"noise": 12.0, "emphysema": (0.0, 0.0)},
    "with contrast": {"noise": 12.0, "contrast": True},
    "with shallow breath": {"noise": 12.0, "lung_hu": -740.0},
    "of another patient": {"noise": 12.0, "seed": 5, "lungs_touch": True},
    "lying prone": {"orientation": PRONE},
    "with mirrored columns": {"orientation": MIRRORED, "shuffled": True},
    "feet first": {"feet_first": True, "shuffled": True},
    "in fine pixels": {"matrix": 512, "noise": 20.0},
    "in thin slices": {"slices": 140, "slice_spacing": 2.0, "noise": 25.0},
    "in thick slices": {"slices": 38, "slice_spacing": 7.5, "matrix": 128},
}


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def case(request, tmp_path_factory):
    phantom = chest_phantom(**request.param)
    return phantom, findings_on(phantom, tmp_path_factory.mktemp("phantom"))


def sides(phantom: Phantom):
    truth = phantom.truth
    return ((1, truth.right), (2, truth.left), (None, truth.both))


def test_each_lung_is_found_where_it_was_drawn(case):
    phantom, findings = case
    for label in (1, 2):
        assert dice(labels_of(findings) == label, phantom.truth.labels == label) >= 0.98


def test_volume_is_within_two_percent(case):
    phantom, findings = case
    for label, truth in sides(phantom):
        assert measured(findings, codes.VOLUME, label) == pytest.approx(truth.volume_ml, rel=0.02)


def test_low_attenuation_is_within_one_point(case):
    phantom, findings = case
    for label, truth in sides(phantom):
        found = measured(findings, codes.LOW_ATTENUATION_AREA, label)
        assert found == pytest.approx(truth.laa950_percent, abs=1.0)


def test_mean_density_is_within_15_hu(case):
    phantom, findings = case
    for label, truth in sides(phantom):
        found = measured(findings, codes.ATTENUATION_COEFFICIENT, label)
        assert found == pytest.approx(truth.mean_hu, abs=15)


def test_trachea_and_main_bronchi_are_not_lung(case):
    phantom, findings = case
    airway = phantom.truth.labels == 3
    assert (labels_of(findings)[airway] > 0).mean() < 0.2


def test_perc15_of_an_image_without_noise_is_within_3_hu(tmp_path):
    phantom = chest_phantom()
    findings = findings_on(phantom, tmp_path)
    for label, truth in sides(phantom):
        found = measured(findings, codes.PERCENTILE_15, label)
        assert found == pytest.approx(truth.perc15_hu, abs=3)


def test_the_same_series_gives_the_same_answer(tmp_path):
    phantom = chest_phantom(noise=12.0, lungs_touch=True)
    first, second = findings_on(phantom, tmp_path), findings_on(phantom, tmp_path)
    np.testing.assert_array_equal(labels_of(first), labels_of(second))
    assert first.measurements == second.measurements


def test_the_key_image_is_the_slice_with_most_lung(tmp_path):
    phantom = chest_phantom()
    findings = findings_on(phantom, tmp_path)
    areas = (labels_of(findings) > 0).sum(axis=(1, 2))
    assert findings.key_image is not None
    assert areas[findings.key_image.slice_index] == areas.max()


def test_every_lung_and_both_together_have_four_measurements_each(tmp_path):
    findings = findings_on(chest_phantom(), tmp_path)
    by_label = [m.label for m in findings.measurements]
    assert {label: by_label.count(label) for label in by_label} == {1: 4, 2: 4, None: 4}
    sites = {m.label: m.site for m in findings.measurements}
    assert sites == {1: codes.RIGHT_LUNG, 2: codes.LEFT_LUNG, None: codes.BOTH_LUNGS}
