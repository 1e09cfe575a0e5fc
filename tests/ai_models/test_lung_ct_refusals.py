"""What the model will not answer for, and the reason that it gives."""

from dataclasses import replace

import numpy as np
import pytest

from ai_models.contract import NoResult
from standards.errors import UnfitSeries
from standards.volume import volume_of
from tests.ai_models.lungs import findings_of, volume_in
from tests.phantom import chest_phantom
from tests.shared_data import shared_data

REFUSED = {
    "lungs cut off above": ({"cut_top": 16}, "lungs cut off", "highest slice"),
    "lungs cut off below": ({"cut_bottom": 14}, "lungs cut off", "lowest slice"),
    "a few slices of the middle": (
        {"cut_top": 24, "cut_bottom": 24},
        "lungs cut off",
        "lowest slice",
    ),
    "lungs cut off at the sides": ({"cut_sides": 60}, "lungs cut off", "edge of the image"),
    "an abdomen": ({"region": "abdomen"}, "lungs", "no lung"),
    "a head": ({"region": "head", "slices": 40}, "lungs", "no lung"),
    "one lung": ({"lungs": ("right",)}, "both lungs", "one lung"),
    "values 1024 too high": ({"hu_offset": 1024}, "Hounsfield scale", "0.0%"),
    "values 100 too high": ({"hu_offset": 100}, "air in the trachea", "HU"),
    "values 1000 too low": ({"hu_offset": -1000}, "Hounsfield scale", "%"),
}
UNFIT = {
    "a slice is missing": ({"drop": (20,)}, "slice positions"),
    "Rescale Slope is missing": ({"without": ("RescaleSlope",)}, "RescaleSlope"),
    "Rescale Intercept is missing": ({"without": ("RescaleIntercept",)}, "RescaleIntercept"),
    "Pixel Spacing is missing": ({"without": ("PixelSpacing",)}, "PixelSpacing"),
}


def refusal(volume) -> NoResult:
    with pytest.raises(NoResult) as raised:
        findings_of(volume)
    return raised.value


@pytest.mark.parametrize(("changes", "check", "found"), REFUSED.values(), ids=REFUSED)
def test_refuses(changes, check, found):
    reason = refusal(volume_of(chest_phantom(**changes).instances))
    assert reason.check == check
    assert found in reason.found
    assert reason.expected


@pytest.mark.parametrize(("changes", "check"), UNFIT.values(), ids=UNFIT)
def test_no_volume_is_made_when(changes, check):
    with pytest.raises(UnfitSeries) as raised:
        volume_of(chest_phantom(**changes).instances)
    assert raised.value.check == check


def test_refuses_another_modality():
    volume = volume_of(chest_phantom().instances)
    for header in volume.instances:
        header.Modality = "MR"
    assert refusal(volume).check == "modality"


def test_refuses_values_that_are_not_hounsfield_units():
    volume = volume_of(chest_phantom().instances)
    volume.instances[0].RescaleType = "OD"
    assert refusal(volume).check == "Rescale Type"


def test_refuses_slices_that_are_not_axial():
    volume = volume_of(chest_phantom().instances)
    coronal = np.eye(4)
    coronal[:3, :3] = volume.affine[[0, 2, 1], :3]
    assert refusal(replace(volume, affine=coronal)).check == "orientation"


def test_refuses_slices_that_lie_far_apart():
    every_second = chest_phantom().instances[::2]
    assert refusal(volume_of(every_second)).check == "slice spacing"


@pytest.mark.parametrize(
    "folder",
    ["ct_chest_lidc0001_part", "broken/made_series_ok", "broken/made_series_one_slice_cut"],
)
def test_parts_of_a_real_chest_are_refused(folder):
    with pytest.raises((NoResult, UnfitSeries)) as raised:
        findings_of(volume_in(shared_data(*folder.split("/"))))
    assert raised.value.check in {"lungs cut off", "PixelData"}


def test_a_series_with_its_own_rescale_in_each_slice_gives_the_same_values():
    plain = volume_in(shared_data("broken", "made_series_ok"))
    scaled = volume_in(shared_data("broken", "made_series_rescale_per_slice"))
    np.testing.assert_allclose(scaled.voxels, plain.voxels, atol=1.5)


@pytest.mark.parametrize(
    ("folder", "check"),
    [
        ("ct_head_tilt", "gantry tilt or shift"),
        ("broken/made_series_gap", "slice positions"),
        ("broken/made_series_duplicate_position", "slice positions"),
        ("broken/made_series_mixed_orientation", "Rows and Columns"),
        ("broken/made_series_one_slice_cut", "PixelData"),
        ("broken/made_series_two_patients", "PatientID"),
    ],
)
def test_real_series_with_a_fault_make_no_volume(folder, check):
    with pytest.raises(UnfitSeries) as raised:
        volume_in(shared_data(*folder.split("/")))
    assert raised.value.check == check
