"""Instances in, voxels in their place out; and what must never become a volume."""

import io

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import ImplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from standards.errors import UnfitSeries
from standards.slice_order import affine_of, in_slice_order
from standards.volume import volume_of
from tests.phantom import chest_phantom
from tests.shared_data import shared_data

SHAPE = {"slices": 6, "matrix": 32}


def slices(**changes) -> list[Dataset]:
    """Six small slices, written and read back."""
    files = []
    for instance in chest_phantom(**(SHAPE | changes)).instances:
        file = io.BytesIO()
        instance.save_as(file, enforce_file_format=True)
        file.seek(0)
        files.append(dcmread(file))
    return files


def refused(instances: list[Dataset]) -> str:
    with pytest.raises(UnfitSeries) as raised:
        volume_of(instances)
    return raised.value.check


def test_voxels_are_hounsfield_units_in_slice_order():
    ordered = slices()
    volume = volume_of(ordered[::-1])
    assert volume.voxels.dtype == np.int16
    for plane, header, instance in zip(volume.voxels, volume.instances, ordered, strict=True):
        assert header.SOPInstanceUID == instance.SOPInstanceUID
        np.testing.assert_array_equal(plane, instance.pixel_array.astype(int) - 1024)


@pytest.mark.parametrize(
    "orientation", [(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0), (-1, 0, 0, 0, 1, 0)]
)
def test_the_affine_puts_each_slice_where_its_header_says(orientation):
    volume = volume_of(slices(orientation=orientation, shuffled=True, feet_first=True))
    for n, header in enumerate(volume.instances):
        place = volume.affine @ (n, 0, 0, 1)
        np.testing.assert_allclose(place[:3], header.ImagePositionPatient, atol=1e-3)
        corner = volume.affine @ (n, 31, 31, 1)
        step = np.array(orientation[:3]) + np.array(orientation[3:])
        away = np.array(header.ImagePositionPatient) + step * 31 * float(header.PixelSpacing[0])
        np.testing.assert_allclose(corner[:3], away, atol=1e-3)


def test_slices_rise_along_the_normal_of_the_image_plane():
    from_feet = volume_of(slices(shuffled=True))
    from_head = volume_of(slices(orientation=(-1, 0, 0, 0, 1, 0), shuffled=True))
    assert from_feet.affine[2, 0] == pytest.approx(5.0)
    assert from_head.affine[2, 0] == pytest.approx(-5.0)


def test_spacing_and_voxel_volume_are_in_mm_and_ml():
    volume = volume_of(slices())
    assert volume.spacing == pytest.approx((5.0, 11.875, 11.875))
    assert volume.voxel_ml == pytest.approx(5.0 * 11.875**2 / 1000)


def test_headers_keep_their_text_and_lose_their_pixels():
    instances = slices()
    for instance in instances:
        instance.SpecificCharacterSet = "ISO_IR 192"
        instance.SeriesDescription = "Brustkorb, weiß"
    files = [io.BytesIO() for _ in instances]
    for file, instance in zip(files, instances, strict=True):
        instance.save_as(file)
        file.seek(0)
    volume = volume_of([dcmread(file) for file in files])
    assert all("PixelData" not in header for header in volume.instances)
    assert {header.SeriesDescription for header in volume.instances} == {"Brustkorb, weiß"}


def test_the_instances_are_left_as_they_were():
    instances = slices()
    before = [instance.to_json() for instance in instances]
    volume_of(instances)
    assert [instance.to_json() for instance in instances] == before


def test_a_slope_that_is_not_whole_gives_float_values():
    instances = slices()
    expected = np.stack([i.pixel_array * np.float32(0.5) - 1000 for i in instances])
    for instance in instances:
        instance.RescaleSlope, instance.RescaleIntercept = "0.5", "-1000"
    volume = volume_of(instances)
    assert volume.voxels.dtype == np.float32
    np.testing.assert_allclose(volume.voxels, expected, atol=0.01)


def test_values_beyond_16_bits_are_kept_exactly():
    instances = slices()
    last = instances[-1]
    last.BitsStored, last.HighBit = 16, 15
    last.PixelData = np.full((32, 32), 65535, np.uint16).tobytes()
    volume = volume_of(instances)
    assert volume.voxels.dtype == np.float32
    assert (volume.voxels[-1] == 65535 - 1024).all()
    assert volume.voxels[0, 0, 0] == -1000


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_compressed_slices_give_the_same_values(syntax):
    plain, packed = slices(), slices()
    for instance in packed:
        instance.compress(syntax, generate_instance_uid=False)
    np.testing.assert_array_equal(volume_of(packed).voxels, volume_of(plain).voxels)


def test_implicit_vr_gives_the_same_values():
    files = []
    for instance in chest_phantom(**SHAPE).instances:
        instance.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        file = io.BytesIO()
        instance.save_as(file, implicit_vr=True, little_endian=True, enforce_file_format=True)
        file.seek(0)
        files.append(dcmread(file))
    np.testing.assert_array_equal(volume_of(files).voxels, volume_of(slices()).voxels)


@pytest.mark.parametrize(
    "keyword",
    ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope",
     "RescaleIntercept", "FrameOfReferenceUID", "Rows"],
)  # fmt: skip
@pytest.mark.parametrize("empty", [True, False], ids=["empty", "absent"])
def test_refuses_a_slice_without(keyword, empty):
    instances = slices()
    if empty:
        instances[2][keyword].value = None
    else:
        del instances[2][keyword]
    assert refused(instances) == keyword


@pytest.mark.parametrize(
    ("keyword", "value", "check"),
    [
        ("RescaleSlope", "0", "RescaleSlope"),
        ("PixelSpacing", ["0", "1"], "PixelSpacing"),
        ("PixelSpacing", ["-1", "1"], "PixelSpacing"),
        ("PixelSpacing", ["2", "2"], "PixelSpacing"),
        ("PixelSpacing", ["2"], "PixelSpacing"),
        ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], "ImageOrientationPatient"),
        ("ImageOrientationPatient", [2, 0, 0, 0, 2, 0], "ImageOrientationPatient"),
        ("ImageOrientationPatient", [0, 1, 0, 0, 0, -1], "ImageOrientationPatient"),
        ("NumberOfFrames", "2", "NumberOfFrames"),
        ("NumberOfFrames", "0", "NumberOfFrames"),
        ("PhotometricInterpretation", "MONOCHROME1", "PhotometricInterpretation"),
        ("PatientID", "another", "PatientID"),
        ("SeriesInstanceUID", "1.2.3", "SeriesInstanceUID"),
        ("FrameOfReferenceUID", "1.2.3", "FrameOfReferenceUID"),
        ("Rows", 16, "Rows and Columns"),
    ],
)
def test_refuses_a_series_in_which_one_slice_has(keyword, value, check):
    instances = slices()
    setattr(instances[3], keyword, value)
    assert refused(instances) == check


def test_refuses_one_slice():
    assert refused(slices()[:1]) == "slice count"


def test_refuses_a_gap():
    assert refused(slices(drop=(3,))) == "slice positions"


def test_refuses_two_slices_at_one_place():
    instances = slices()
    instances[1].ImagePositionPatient = instances[0].ImagePositionPatient
    assert refused(instances) == "slice positions"


def test_refuses_a_tilted_gantry():
    instances = slices()
    for n, instance in enumerate(instances):
        x, y, z = instance.ImagePositionPatient
        instance.ImagePositionPatient = [x, float(y) + 0.5 * n, z]
    assert refused(instances) == "gantry tilt or shift"


def test_accepts_positions_that_a_scanner_has_rounded():
    instances = slices()
    for n, instance in enumerate(instances):
        x, y, z = instance.ImagePositionPatient
        instance.ImagePositionPatient = [x, y, float(z) + 0.05 * (-1) ** n]
    assert len(in_slice_order(instances)) == 6


@pytest.mark.parametrize("fault", ["cut short", "missing", "wrong transfer syntax"])
def test_refuses_pixels_that_cannot_be_decoded(fault):
    instances = slices()
    broken = instances[4]
    if fault == "cut short":
        broken.PixelData = broken.PixelData[:100]
    elif fault == "missing":
        del broken.PixelData
    else:
        broken.file_meta.TransferSyntaxUID = JPEG2000Lossless
    assert refused(instances) == "PixelData"


def test_messages_name_no_patient():
    instances = slices()
    instances[0].PatientID, instances[1].PatientID = "SECRET-1", "SECRET-2"
    with pytest.raises(UnfitSeries) as raised:
        volume_of(instances)
    assert "SECRET" not in str(raised.value)


def test_the_affine_follows_from_headers_alone():
    instances = slices()
    headers = volume_of(instances).instances
    np.testing.assert_array_equal(affine_of(headers), volume_of(instances).affine)


def test_a_real_tilted_head_is_refused():
    folder = shared_data("ct_head_tilt")
    assert refused([dcmread(path) for path in folder.glob("*.dcm")]) == "gantry tilt or shift"


def test_signed_pixels_of_16_bits_stay_exact():
    folder = shared_data("ct_chest_lidc0001_part")
    instances = [dcmread(path) for path in folder.glob("*.dcm")]
    volume = volume_of(instances)
    assert volume.voxels.dtype == np.int16
    lowest = min(int(instance.pixel_array.min()) for instance in instances)
    assert volume.voxels.min() == lowest - 1024 < -1024  # the padding around the field of view
