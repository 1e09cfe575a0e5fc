"""liver_ct against phantoms whose liver is known, on a real CT, and what it will not answer for."""

import numpy as np
import pytest

from ai_models.contract import NoResult
from ai_models.liver_ct.model import LiverCT
from standards import codes
from standards.volume import volume_of
from tests.accuracy.liver_ct import WORST, errors
from tests.accuracy.phantoms import LIVERS
from tests.ai_models.lungs import findings_of, findings_on, labels_of, volume_in
from tests.phantom import chest_phantom
from tests.phantom_anatomy import LIVER
from tests.shared_data import shared_data

REFUSED = {
    "contrast that the header says": ({"contrast": True}, "contrast medium", "Iodine"),
    "contrast that only the heart shows": (
        {"contrast": True, "without": ("ContrastBolusAgent",)},
        "contrast medium",
        "above 110 HU",
    ),
    "no liver in the images": ({"cut_bottom": 14}, "liver", "no 40 ml"),
    "an abdomen without the base of the lung": ({"region": "abdomen"}, "liver", "no 40 ml"),
    "a head": ({"region": "head", "slices": 40}, "liver", "no 40 ml"),
    "a liver as dense as with contrast": ({"liver_hu": 100.0}, "liver density", "HU"),
    "values 1024 too high": ({"hu_offset": 1024}, "Hounsfield scale", "0.0%"),
}


@pytest.mark.parametrize("case", LIVERS.values(), ids=LIVERS)
def test_the_mean_is_that_of_the_liver_as_drawn_and_only_liver_is_measured(case, tmp_path):
    phantom = chest_phantom(**case)
    findings = findings_on(phantom, tmp_path, LiverCT())
    off = errors(phantom, findings, case.get("liver_hu", LIVER))
    assert off["mean"] <= WORST["mean"]
    assert off["inside"] >= WORST["inside"]


@pytest.mark.parametrize(("changes", "check", "found"), REFUSED.values(), ids=REFUSED)
def test_refuses(changes, check, found):
    with pytest.raises(NoResult) as raised:
        findings_of(volume_of(chest_phantom(**changes).instances), LiverCT())
    assert raised.value.check == check
    assert found in raised.value.found


def test_another_tube_voltage_is_a_warning():
    instances = chest_phantom().instances
    assert not findings_of(volume_of(instances), LiverCT()).caveats
    for instance in instances:
        instance.KVP = "80"
    (caveat,) = findings_of(volume_of(instances), LiverCT()).caveats
    assert "120 kV" in caveat.text


def test_a_real_liver_without_contrast_is_measured_where_it_lies():
    volume = volume_in(shared_data("ct_chest_a0001", "series_soft_kernel_B"))
    findings = findings_of(volume, LiverCT())
    (mean,) = (m.value for m in findings.measurements if m.derivation == codes.MEAN)
    assert mean == pytest.approx(50.6, abs=2)  # seen by eye: only liver is marked, a cyst is not
    part = labels_of(findings) > 0
    columns = np.flatnonzero(part.any(axis=(0, 1)))
    assert columns.max() < 260  # the middle of the body is at column 262
    assert part.sum() * volume.voxel_ml == pytest.approx(500, rel=0.1)


def test_slices_of_a_real_liver_with_contrast_are_refused():
    volume = volume_in(shared_data("ct_chest_lidc0001_part"))
    with pytest.raises(NoResult, match="contrast medium"):
        findings_of(volume, LiverCT())
