"""Stored values become modality values as PS3.3 C.11.1 says, each slice by its own header."""

import numpy as np
import pytest
from pydicom import Dataset

from standards.errors import UnfitSeries
from standards.modality_values import modality_values
from standards.volume import volume_of
from tests.phantom import chest_phantom


def slices(modality: str = "CT", without: tuple[str, ...] = ()):
    instances = chest_phantom(slices=4, matrix=32, without=without).instances
    for instance in instances:
        instance.Modality = modality
    return instances


def test_every_slice_has_its_own_slope_as_in_pet():
    instances = slices("PT")
    for n, instance in enumerate(instances):
        instance.RescaleSlope, instance.RescaleIntercept = str(0.25 * (n + 1)), "0"
    volume = volume_of(instances[::-1])
    for n, (plane, instance) in enumerate(zip(volume.voxels, instances, strict=True)):
        np.testing.assert_allclose(plane, instance.pixel_array * (0.25 * (n + 1)), rtol=1e-6)


def test_one_slice_with_a_fraction_makes_the_whole_volume_float():
    instances = slices()
    instances[2].RescaleSlope = "0.5"
    volume = volume_of(instances)
    assert volume.voxels.dtype == np.float32
    np.testing.assert_array_equal(volume.voxels[0], instances[0].pixel_array - 1024.0)
    np.testing.assert_array_equal(volume.voxels[2], instances[2].pixel_array * 0.5 - 1024.0)


def test_a_modality_lut_takes_the_place_of_rescale():
    (instance, *_) = slices(without=("RescaleSlope", "RescaleIntercept", "RescaleType"))
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 16]
    table["LUTDescriptor"].VR = "US"
    table.LUTData = (np.arange(4096) // 2).tolist()
    table["LUTData"].VR = "US"
    table.ModalityLUTType = "US"
    instance.ModalityLUTSequence = [table]
    values = modality_values(instance)
    assert values.dtype == np.int16
    np.testing.assert_array_equal(values, instance.pixel_array // 2)


def test_an_mr_image_without_rescale_holds_its_values_as_they_are():
    (instance, *_) = slices("MR", without=("RescaleSlope", "RescaleIntercept"))
    np.testing.assert_array_equal(modality_values(instance), instance.pixel_array)


@pytest.mark.parametrize("modality", ["CT", "PT"])
def test_no_value_is_taken_for_hounsfield_units_or_activity_without_rescale(modality):
    (instance, *_) = slices(modality, without=("RescaleSlope", "RescaleIntercept"))
    with pytest.raises(UnfitSeries, match="RescaleSlope: found an image without it"):
        modality_values(instance)


def test_half_a_transformation_is_refused():
    (instance, *_) = slices("MR", without=("RescaleIntercept",))
    with pytest.raises(UnfitSeries, match="RescaleIntercept"):
        modality_values(instance)
