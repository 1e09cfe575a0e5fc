"""Compressed instances on their way to a model: the same values, or a refusal."""

import io
import subprocess

import imagecodecs
import jpeg_ls
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder
from pydicom.uid import (
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from ai_models.gate.decoders import check_decoders
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


REAL = {  # the two that read it
    "ct_chest_j2k_lossless_90": ("pylibjpeg", "gdcm"),
    "ct_chest_j2k_lossy_91": ("pylibjpeg", "gdcm"),
    "ct_chest_jpeg_baseline_50": ("pillow", "gdcm"),
    "ct_chest_jpeg_extended_51": ("imagecodecs", ""),
    "ct_chest_jpeg_lossless_57": ("gdcm", "imagecodecs"),
    "ct_chest_jpeg_lossless_70": ("gdcm", "imagecodecs"),
    "ct_chest_jpegls_near_81": ("pyjpegls", "gdcm"),
    "ct_chest_rle": ("pylibjpeg", "pydicom"),
    "rgb_htj2k_lossless_201": ("pylibjpeg", "imagecodecs"),
    "rgb_htj2k_203": ("pylibjpeg", ""),
}


@pytest.mark.parametrize(("name", "decoders"), REAL.items())
def test_real_images_are_seen_alike_by_two_decoders(name, decoders):
    path = shared_data("transfer_syntaxes", f"{name}.dcm")
    assert is_compressed(dcmread(path, stop_before_pixels=True))
    plain = plain_of(path.read_bytes(), compare=True)
    assert ((plain.decoder, plain.second), plain.difference) == (decoders, 0)


@pytest.mark.parametrize("option", [["+e1"], ["+el", "+sv", "7"], ["+e1", "+pt", "2"]])
def test_lossless_jpeg_of_another_encoder_is_seen_alike_by_two_decoders(tmp_path, option):
    """Written by DCMTK. With a point transform imagecodecs has no opinion."""
    (instance,) = chest_phantom(slices=1, matrix=64).instances
    plain, coded = tmp_path / "plain.dcm", tmp_path / "coded.dcm"
    plain.write_bytes(file_of(instance, ExplicitVRLittleEndian))
    subprocess.run(["dcmcjpeg", *option, plain, coded], check=True, capture_output=True)

    found = plain_of(coded.read_bytes(), compare=True)

    assert (found.decoder, found.second) == ("gdcm", "" if "+pt" in option else "imagecodecs")
    assert found.difference == 0
    if found.second:
        read = dcmread(io.BytesIO(found.content)).pixel_array
        np.testing.assert_array_equal(read, instance.pixel_array)


@pytest.mark.parametrize(("dtype", "bits"), [(np.int16, 16), (np.uint16, 12), (np.uint8, 8)])
def test_grey_htj2k_is_seen_alike_by_two_decoders(dtype, bits):
    signed = dtype is np.int16
    low = -(2 ** (bits - 1)) if signed else 0
    drawn = np.random.default_rng(bits).integers(low, low + 2**bits, (64, 70)).astype(dtype)
    (image,) = chest_phantom(slices=1, matrix=16).instances
    image.Rows, image.Columns = drawn.shape
    image.BitsAllocated, image.BitsStored, image.HighBit = drawn.itemsize * 8, bits, bits - 1
    image.PixelRepresentation = int(signed)
    image.PixelData = encapsulate([imagecodecs.htj2k_encode(drawn, reversible=True)])
    image["PixelData"].is_undefined_length = True
    image.file_meta.TransferSyntaxUID = HTJ2KLossless
    content = io.BytesIO()
    image.save_as(content, enforce_file_format=True)

    plain = plain_of(content.getvalue(), compare=True)

    assert (plain.second, plain.difference) == ("imagecodecs", 0)
    np.testing.assert_array_equal(dcmread(io.BytesIO(plain.content)).pixel_array, drawn)


def test_jpeg_of_12_bits_is_read_as_by_dcmtk(tmp_path):
    (instance,) = chest_phantom(slices=1, matrix=64).instances
    drawn, coded, other = (tmp_path / name for name in ("plain.dcm", "coded.dcm", "other.dcm"))
    drawn.write_bytes(file_of(instance, ExplicitVRLittleEndian))
    subprocess.run(["dcmcjpeg", "+ee", drawn, coded], check=True, capture_output=True)
    subprocess.run(["dcmdjpeg", coded, other], check=True, capture_output=True)

    plain = plain_of(coded.read_bytes(), compare=False)

    read = dcmread(io.BytesIO(plain.content))
    np.testing.assert_array_equal(read.pixel_array, dcmread(other).pixel_array)


def test_a_stream_that_one_decoder_reads_wrongly_is_refused(monkeypatch):
    """The double reads JPEG-LS as the others do, but for one pixel."""
    decoder = get_decoder(JPEGLSLossless)
    decoder.add_plugin("double", (__name__, decode_wrongly.__name__))
    both = {JPEGLSLossless: ("pyjpegls", "double")}
    monkeypatch.setattr("gateway.uncompressing.plugins", both.__getitem__)
    try:
        plain = plain_of(files(JPEGLSLossless)[0], compare=True)
    finally:
        decoder.remove_plugin("double")

    assert (plain.second, plain.difference) == ("double", 1)
    with pytest.raises(UnfitSeries, match="second decoder") as raised:
        check_decoders(JPEGLSLossless, plain.difference)
    assert raised.value.found.startswith("stored values that differ by 1")


def is_available(_uid: str) -> bool:
    """Asked by pydicom of the module that a plug-in lies in."""
    return True


def decode_wrongly(src: bytes, runner: DecodeRunner) -> bytearray:
    decoded, _ = jpeg_ls.decode_pixel_data(src)
    decoded[40] ^= 1
    runner.set_option("bits_allocated", 16)
    return decoded


def test_a_series_tells_which_decoders_read_it():
    series = source(files(JPEGLSLossless))
    list(series.contents())
    assert series.decoders.told() == [
        {
            "transfer_syntax_uid": JPEGLSLossless,
            "decoder": "pyjpegls",
            "instances": SLICES,
            "compared": 5,
            "second_decoders": ["gdcm"],
            "largest_difference": 0.0,
        }
    ]
    series = source(files(ExplicitVRLittleEndian))
    list(series.contents())
    assert series.decoders.told() == []
