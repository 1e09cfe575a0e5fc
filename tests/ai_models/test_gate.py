"""What the gate refuses, what it warns of, what a card may change, and what it lets pass."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from pydicom import Dataset, dcmread
from pydicom.uid import MRImageStorage, SecondaryCaptureImageStorage

from ai_models.card import GateRules, InputSeries, Laterality, Reaction
from ai_models.gate import examine
from ai_models.gate.decoders import check_decoders
from standards.errors import UnfitSeries
from standards.volume import Volume, volume_of
from tests.phantom import chest_phantom
from tests.shared_data import shared_data

CHEST = InputSeries(
    modality=("CT",), body_part_examined=("CHEST", "Lung"), laterality=(Laterality.BOTH,)
)
STRICT = GateRules()


@pytest.fixture(scope="module")
def chest() -> Volume:
    return volume_of(chest_phantom(slices=12, matrix=64, slice_spacing=20).instances)


def changed(volume: Volume, **attributes) -> Volume:
    """The same volume under headers that say something else."""
    headers = tuple(deepcopy(header) for header in volume.instances)
    for header in headers:
        for keyword, value in attributes.items():
            setattr(header, keyword, value)
    return replace(volume, instances=headers)


def with_voxels(volume: Volume, change: Callable[[np.ndarray], object]) -> Volume:
    """change: alters a copy of the voxels in place."""
    voxels = volume.voxels.copy()
    change(voxels)
    return replace(volume, voxels=voxels)


def refused(volume: Volume, rules: GateRules = STRICT, wanted: InputSeries = CHEST) -> UnfitSeries:
    with pytest.raises(UnfitSeries) as raised:
        examine(volume, wanted, rules)
    return raised.value


def set_plane(number: int, value: int) -> Callable[[np.ndarray], None]:
    def change(voxels: np.ndarray) -> None:
        voxels[number] = value

    return change


def add(value: int) -> Callable[[np.ndarray], None]:
    def change(voxels: np.ndarray) -> None:
        voxels += np.int16(value)

    return change


def species(code: str) -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "SCT", "species"
    return [item]


CLAIMS = {
    "text burned in": ({"BurnedInAnnotation": "YES"}, "burned in annotation", "YES"),
    "a screenshot by its class": (
        {"SOPClassUID": SecondaryCaptureImageStorage},
        "secondary capture",
        "Secondary Capture Image Storage",
    ),
    "a screenshot by its type": (
        {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
        "secondary capture",
        "SCREEN SAVE",
    ),
    "a CT of 8 bits": ({"BitsStored": 8}, "secondary capture", "8 bits"),
    "a dog": ({"PatientSpeciesDescription": "Canine"}, "species", "another species"),
    "a cat by its code": (
        {"PatientSpeciesCodeSequence": species("448169003")},
        "species",
        "another species",
    ),
    "a head": ({"BodyPartExamined": "HEAD"}, "body part", "HEAD"),
    "the left side": ({"Laterality": "L"}, "laterality", "L"),
    "another modality": ({"Modality": "MR"}, "modality", "MR"),
    "a modality that contradicts the class": (
        {"SOPClassUID": MRImageStorage},
        "modality",
        "CT",
    ),
}
VALUES = {
    "no Rescale Intercept": (add(1024), "implausible values", "1st percentile"),
    "values far too low": (add(-1200), "implausible values", ""),
    "nothing but air": (
        lambda v: np.minimum(v, -900 + v % 50, out=v),
        "implausible values",
        "99th",
    ),
    "nothing but zeros": (lambda v: v.fill(0), "constant image", "0"),
    "one slice of zeros": (
        set_plane(4, 0),
        "constant slices",
        "1 of 12, the first of them slice 5",
    ),
}


def test_a_sound_series_passes_without_a_word(chest):
    assert examine(chest, CHEST, STRICT) == []


@pytest.mark.parametrize(("claims", "check", "found"), CLAIMS.values(), ids=CLAIMS)
def test_refuses_what_a_header_claims(chest, claims, check, found):
    unfit = refused(changed(chest, **claims))
    assert (unfit.check, found in unfit.found) == (check, True)
    assert unfit.expected


@pytest.mark.parametrize(("change", "check", "found"), VALUES.values(), ids=VALUES)
def test_refuses_voxels(chest, change, check, found):
    unfit = refused(with_voxels(chest, change))
    assert (unfit.check, found in unfit.found) == (check, True)
    assert unfit.expected


@pytest.mark.parametrize(
    "claims",
    [
        {"PatientSpeciesDescription": "Homo sapiens"},
        {"PatientSpeciesCodeSequence": species("337915000")},
        {"BodyPartExamined": "lung"},
        {"BodyPartExamined": ""},
        {"BurnedInAnnotation": "NO"},
        {"ImageLaterality": "B", "Laterality": "L"},
    ],
)
def test_claims_that_fit_pass(chest, claims):
    assert examine(changed(chest, **claims), CHEST, STRICT) == []


def test_padding_around_the_field_of_view_is_no_value(chest):
    def pad(voxels: np.ndarray) -> None:
        voxels[:, :, :24] = -2000

    assert examine(with_voxels(chest, pad), CHEST, STRICT) == []


def test_an_empty_slice_of_a_masked_mr_is_told_and_not_refused(chest):
    masked = with_voxels(changed(chest, Modality="MR", SOPClassUID=MRImageStorage), set_plane(0, 0))
    (caveat,) = examine(masked, InputSeries(name="t1"), STRICT)
    assert caveat.text.startswith("Input t1: constant slices: found 1 of 12")


def test_the_card_of_a_model_for_animals_accepts_them(chest):
    dog = changed(chest, PatientSpeciesDescription="Canine")
    assert examine(dog, CHEST, GateRules(species=Reaction.ACCEPT)) == []


def test_the_card_may_ask_for_a_warning_instead(chest):
    annotated = changed(chest, BurnedInAnnotation="YES")
    (caveat,) = examine(annotated, CHEST, GateRules(burned_in_annotation=Reaction.WARN))
    assert "burned in annotation" in caveat.text


def test_the_card_may_have_another_range_of_values(chest):
    rules = GateRules(value_range=(-1100.0, 200.0))
    assert refused(chest, rules).expected == "-1100 to 200"
    assert examine(with_voxels(chest, add(500)), CHEST, GateRules(value_range=(-600, 2000))) == []


def test_a_range_the_wrong_way_round_is_no_card():
    with pytest.raises(ValidationError, match="put the lower value first"):
        GateRules(value_range=(100.0, -100.0))


def test_a_secondary_capture_that_the_card_asks_for_passes(chest):
    wanted = InputSeries(sop_class_uid=(SecondaryCaptureImageStorage,))
    captured = changed(chest, SOPClassUID=SecondaryCaptureImageStorage)
    assert examine(captured, wanted, STRICT) == []


@pytest.mark.parametrize(
    ("syntax", "largest"), [("1.2.840.10008.1.2.4.90", 0), ("1.2.840.10008.1.2.4.91", 4)]
)
def test_decoders_must_agree_as_far_as_the_syntax_is_exact(syntax, largest):
    check_decoders(syntax, largest)
    with pytest.raises(UnfitSeries, match=f"{largest} at most in JPEG 2000"):
        check_decoders(syntax, largest + 1)


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("gap", "slice positions"),
        ("duplicate_position", "slice positions"),
        ("mixed_orientation", "Rows and Columns"),
        ("one_slice_cut", "PixelData"),
        ("two_patients", "PatientID"),
    ],
)
def test_faults_of_real_series_are_refused(name, check):
    with pytest.raises(UnfitSeries) as raised:
        examine(shared_series(f"made_series_{name}"), CHEST, STRICT)
    assert raised.value.check == check


@pytest.mark.parametrize("name", ["made_series_ok", "made_series_rescale_per_slice"])
def test_sound_real_series_pass(name):
    assert examine(shared_series(name), CHEST, STRICT) == []


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("made_no_orientation", "ImageOrientationPatient"),
        ("made_no_pixel_data", "PixelData"),
        ("made_no_pixel_spacing", "PixelSpacing"),
        ("made_no_rescale", "RescaleSlope"),
        ("made_orientation_not_orthogonal", "ImageOrientationPatient"),
        ("made_pixels_cut", "PixelData"),
        ("made_rescale_slope_zero", "RescaleSlope"),
    ],
)
def test_faults_of_real_images_are_refused(name, check):
    with pytest.raises(UnfitSeries) as raised:
        volume_of([dcmread(shared_data("broken", f"{name}.dcm"))])
    assert raised.value.check == check


def shared_series(name: str) -> Volume:
    return volume_of([dcmread(path) for path in shared_data("broken", name).glob("*.dcm")])
