"""Multi-frame objects become the volume that their frames would be as a series."""

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import JPEGLSLossless

from standards.errors import UnfitSeries
from standards.modality_values import modality_values
from standards.volume import volume_of
from tests.phantom import chest_phantom
from tests.shared_data import shared_data
from tests.standards.multi_frame import enhanced_ct, frame_order

SLICES = 6


def series():
    instances = chest_phantom(slices=SLICES, matrix=32).instances
    for n, instance in enumerate(instances):
        instance.RescaleIntercept = str(-1024 + n)
    return instances


@pytest.fixture
def shuffled():
    instances = series()
    return enhanced_ct([instances[n] for n in frame_order(SLICES)])


@pytest.mark.parametrize("compressed", [False, True])
def test_an_enhanced_object_is_the_volume_of_its_frames(shuffled, compressed):
    if compressed:
        shuffled.compress(JPEGLSLossless, generate_instance_uid=False)
    volume, expected = volume_of([shuffled]), volume_of(series())
    np.testing.assert_array_equal(volume.voxels, expected.voxels)
    np.testing.assert_allclose(volume.affine, expected.affine)


def test_each_slice_has_the_header_of_its_frame(shuffled):
    volume = volume_of([shuffled])
    numbers = [header.ReferencedFrameNumber for header in volume.instances]
    assert numbers == (np.argsort(frame_order(SLICES)) + 1).tolist()
    for header, instance in zip(volume.instances, series(), strict=True):
        assert header.SOPInstanceUID == shuffled.SOPInstanceUID
        assert header.ImagePositionPatient == instance.ImagePositionPatient
        assert header.RescaleIntercept == instance.RescaleIntercept
        assert header.WindowWidth == instance.WindowWidth
    for header, plane in zip(volume.instances, volume.voxels, strict=True):
        found = modality_values(shuffled, header.ReferencedFrameNumber)
        np.testing.assert_array_equal(found, plane)


def test_several_multi_frame_objects_make_one_volume():
    instances = series()
    halves = [enhanced_ct(instances[3:]), enhanced_ct(instances[:3])]
    np.testing.assert_array_equal(volume_of(halves).voxels, volume_of(series()).voxels)


@pytest.mark.parametrize("spoiled", ["PerFrameFunctionalGroupsSequence", "NumberOfFrames"])
def test_frames_without_a_place_each_are_refused(shuffled, spoiled):
    if spoiled == "NumberOfFrames":
        shuffled.NumberOfFrames = SLICES + 1
    else:
        del shuffled[spoiled]
    with pytest.raises(UnfitSeries) as raised:
        volume_of([shuffled])
    assert raised.value.check == "NumberOfFrames"


def test_a_mosaic_is_refused_by_its_name():
    instances = series()
    for instance in instances:
        instance.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    with pytest.raises(UnfitSeries, match="ImageType: found MOSAIC"):
        volume_of(instances)


def test_a_real_enhanced_mr_becomes_a_volume():
    image = dcmread(shared_data("enhanced", "mr_brain_sag_15frames.dcm"))
    volume = volume_of([image])
    assert volume.voxels.shape == (15, 256, 256)
    assert volume.spacing[0] == pytest.approx(6.0)
    first = volume.instances[0]
    stored = image.pixel_array[first.ReferencedFrameNumber - 1]
    np.testing.assert_allclose(
        volume.voxels[0], stored * float(first.RescaleSlope) + float(first.RescaleIntercept)
    )


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("enhanced/mr_brain_stacks_12frames.dcm", "ImageOrientationPatient"),
        ("enhanced/mr_small_10frames.dcm", "NumberOfFrames"),
        ("mr_mosaic/siemens_epi_mosaic.dcm", "ImageType"),
        ("other/nm_heart_13frames.dcm", "NumberOfFrames"),
    ],
)
def test_real_objects_that_make_no_volume_are_refused(name, check):
    with pytest.raises(UnfitSeries) as raised:
        volume_of([dcmread(shared_data(*name.split("/")))])
    assert raised.value.check == check
