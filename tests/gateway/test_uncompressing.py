"""Compressed instances on their way to a model: the same values, or a refusal."""

import io

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from gateway.source import SourceSeries
from gateway.uncompressing import is_compressed, plain_of
from standards.errors import UnfitSeries
from standards.volume import volume_of
from tests.phantom import chest_phantom
from tests.shared_data import shared_data
from tests.standards.multi_frame import enhanced_ct

SLICES = 7


def files(syntax: str) -> list[bytes]:
    return [file_of(one, syntax) for one in chest_phantom(slices=SLICES, matrix=64).instances]


def file_of(instance, syntax: str) -> bytes:
    if syntax != ExplicitVRLittleEndian:
        instance.compress(syntax, generate_instance_uid=False)
    content = io.BytesIO()
    instance.save_as(content, enforce_file_format=True)
    return content.getvalue()


def source(contents: list[bytes]) -> SourceSeries:
    return SourceSeries([lambda one=one: one for one in contents])


def volume(series: SourceSeries):
    return volume_of(dcmread(io.BytesIO(content)) for content in series.contents())


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless, RLELossless])
def test_the_model_gets_the_values_that_were_compressed(syntax):
    series = source(files(syntax))
    plain = [dcmread(io.BytesIO(one)) for one in files(ExplicitVRLittleEndian)]
    np.testing.assert_array_equal(volume(series).voxels, volume_of(plain).voxels)
    assert len(series.in_order()) == SLICES


def test_uncompressed_instances_pass_byte_for_byte():
    contents = files(ExplicitVRLittleEndian)
    assert list(source(contents).contents()) == contents


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
def test_two_decoders_agree_on_a_sound_image(syntax):
    assert plain_of(files(syntax)[0], compare=True).difference == 0


def test_the_frames_of_a_multi_frame_image_are_decoded_together():
    instances = chest_phantom(slices=SLICES, matrix=64).instances
    content = file_of(enhanced_ct(instances), JPEGLSLossless)
    plain = plain_of(content, compare=True)
    image = dcmread(io.BytesIO(plain.content))
    assert plain.difference == 0
    np.testing.assert_array_equal(image.pixel_array, [one.pixel_array for one in instances])


def test_a_code_stream_that_no_decoder_reads_is_refused():
    contents = files(JPEGLSLossless)
    broken = dcmread(io.BytesIO(contents[3]))
    broken.PixelData = broken.PixelData[:60] + bytes(len(broken.PixelData) - 60)
    contents[3] = file_of(broken, ExplicitVRLittleEndian)
    with pytest.raises(UnfitSeries) as raised:
        list(source(contents).contents())
    assert raised.value.check == "PixelData"


@pytest.mark.parametrize("syntax", ["j2k_lossless_90", "j2k_lossy_91", "jpegls_near_81", "rle"])
def test_real_images_are_seen_alike_by_two_decoders(syntax):
    path = shared_data("transfer_syntaxes", f"ct_chest_{syntax}.dcm")
    assert is_compressed(dcmread(path, stop_before_pixels=True))
    assert plain_of(path.read_bytes(), compare=True).difference == 0
