"""Findings are complete and right when made, or not made at all."""

import math
import pickle

import numpy as np
import pytest

from standards import codes
from standards.errors import StandardsError, UndescribedLabel, UnknownFinding
from standards.findings import Findings, KeyImage, LabelMap, Measurement, Structure

LUNG = Structure("Right lung", codes.ANATOMICAL_STRUCTURE, codes.RIGHT_LUNG, (224, 122, 95))


def voxels(highest: int = 1) -> np.ndarray:
    array = np.zeros((3, 4, 4), np.uint8)
    array[1, 1, 1] = highest
    return array


def volume_ml(value: float, label: int | None = 1, decimals: int = 1) -> Measurement:
    return Measurement(
        codes.VOLUME, value, codes.MILLILITRE, codes.LUNG, label=label, decimals=decimals
    )


def test_a_label_without_a_structure_is_refused():
    with pytest.raises(UndescribedLabel) as raised:
        LabelMap(voxels(highest=2), (LUNG,))
    assert (raised.value.label, raised.value.described) == (2, 1)


@pytest.mark.parametrize(
    "array", [np.zeros((3, 4, 4), np.int16), np.zeros((4, 4), np.uint8)], ids=["dtype", "shape"]
)
def test_a_label_map_is_bytes_in_three_dimensions(array):
    with pytest.raises(StandardsError, match="expected uint8"):
        LabelMap(array, (LUNG,))


def test_what_is_no_finding_is_told_by_the_name_of_its_kind():
    with pytest.raises(UnknownFinding, match=r"claims a dict.*LabelMap, Measurement") as raised:
        Findings.of([volume_ml(3, label=None), {"volume": 3}])
    assert raised.value.found == "dict"


def test_an_empty_label_map_is_a_finding():
    assert LabelMap(np.zeros((3, 4, 4), np.uint8), (LUNG,)).structures == (LUNG,)


@pytest.mark.parametrize(
    "array",
    [
        voxels(),
        np.zeros((3, 4, 4), np.uint8),
        np.ones((2, 5, 7), np.uint8),
        np.random.default_rng(1).integers(0, 2, (4, 9, 8), np.uint8),
        np.zeros((0, 4, 4), np.uint8),
    ],
    ids=["one voxel", "empty", "full", "noise", "no slice"],
)
def test_a_label_map_crosses_processes_unchanged(array):
    again = pickle.loads(pickle.dumps(LabelMap(array, (LUNG,))))

    np.testing.assert_array_equal(again.voxels, array)
    assert again.structures == (LUNG,)


def test_a_large_label_map_is_small_on_its_way():
    array = np.zeros((100, 256, 256), np.uint8)
    array[20:80, 50:200, 60:190] = 1

    assert len(pickle.dumps(LabelMap(array, (LUNG,)))) < 200_000


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_measurement_is_a_finite_number(value):
    with pytest.raises(StandardsError, match="finite"):
        volume_ml(value)


def test_a_measurement_is_written_with_the_digits_that_mean_something():
    assert volume_ml(3200.349, decimals=0).rounded == 3200
    assert volume_ml(3200.349, decimals=1).rounded == 3200.3


def test_findings_are_sorted_by_kind():
    label_map, key = LabelMap(voxels(), (LUNG,)), KeyImage(1, -600, 1500)
    numbers = volume_ml(1.0), volume_ml(2.0, label=None)
    findings = Findings.of([numbers[0], key, label_map, numbers[1]])
    assert findings.label_map is label_map
    assert findings.measurements == numbers
    assert findings.key_image is key


def test_no_finding_at_all_is_an_answer():
    findings = Findings.of([])
    assert (findings.label_map, findings.measurements, findings.key_image) == (None, (), None)


def test_two_label_maps_are_refused():
    label_map = LabelMap(voxels(), (LUNG,))
    with pytest.raises(StandardsError, match="2 label maps"):
        Findings.of([label_map, label_map])


@pytest.mark.parametrize("label", [0, 2])
def test_a_measurement_of_a_label_that_is_not_there_is_refused(label):
    with pytest.raises(UndescribedLabel):
        Findings.of([LabelMap(voxels(), (LUNG,)), volume_ml(1.0, label=label)])


def test_a_key_image_lies_in_the_label_map():
    with pytest.raises(StandardsError, match="slice 3"):
        Findings.of([LabelMap(voxels(), (LUNG,)), KeyImage(3, -600, 1500)])
