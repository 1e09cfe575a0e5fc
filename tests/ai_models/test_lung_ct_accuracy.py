"""The model against a phantom whose measurements are known."""

import numpy as np
import pytest

from standards import codes
from tests.accuracy.lung_ct import WORST, errors, measured
from tests.accuracy.phantoms import LUNGS
from tests.ai_models.lungs import findings_on, labels_of
from tests.phantom import chest_phantom


@pytest.fixture(scope="module", params=LUNGS.values(), ids=list(LUNGS))
def off(request, tmp_path_factory):
    phantom = chest_phantom(**request.param)
    return errors(phantom, findings_on(phantom, tmp_path_factory.mktemp("phantom")))


def test_each_lung_is_found_where_it_was_drawn(off):
    assert off["dice"] >= WORST["dice"]


@pytest.mark.parametrize("measurement", ["volume", "laa950", "mean"])
def test_measurements_are_as_close_as_the_readme_says(off, measurement):
    assert off[measurement] <= WORST[measurement]


def test_trachea_and_main_bronchi_are_not_lung(off):
    assert off["airway"] <= WORST["airway"]


def test_nodules_that_touch_the_chest_wall_stay_in_the_lung(off):
    assert off["nodules"] >= WORST["nodules"]


def test_perc15_of_an_image_without_noise_is_within_3_hu(tmp_path):
    phantom = chest_phantom()
    findings = findings_on(phantom, tmp_path)
    truth = phantom.truth
    for label, one in ((1, truth.right), (2, truth.left), (None, truth.both)):
        found = measured(findings, codes.PERCENTILE_15, label)
        assert one is not None
        assert found == pytest.approx(one.perc15_hu, abs=3)


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
