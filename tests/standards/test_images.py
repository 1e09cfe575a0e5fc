"""Images that make no volume: brightness, colours, frames, order."""

import numpy as np
import pytest
from pydicom import dcmread

from standards.errors import UnfitSeries
from standards.images import Image, in_image_order
from tests.pictures import cine, radiograph, ultrasound
from tests.shared_data import shared_data


def test_larger_numbers_are_brighter_whatever_the_image_stores():
    inverse = Image(radiograph()).pixels()
    plain = Image(radiograph(PhotometricInterpretation="MONOCHROME2")).pixels()

    assert inverse.shape == (64, 80)
    assert inverse.dtype == np.int16
    np.testing.assert_array_equal(inverse, 4095 - plain)
    assert inverse[0, 0] > inverse[0, -1]


def test_the_whole_range_of_16_bits_is_turned_without_overflow():
    image = radiograph(RescaleIntercept=-32768, BitsStored=16, HighBit=15)
    image.PixelData = np.array([[0, 65535]] * 64 * 40, "<u2").tobytes()
    pixels = Image(image).pixels()

    assert (pixels.min(), pixels.max()) == (-32768, 32767)
    assert pixels[0, 0] == 32767


def test_modality_values_are_those_of_rescale():
    pixels = Image(radiograph(PhotometricInterpretation="MONOCHROME2", RescaleSlope=0.5)).pixels()

    assert pixels.max() == pytest.approx(2047.5)


def test_colour_is_rgb_and_frames_are_taken_one_by_one():
    loop = Image(cine(frames=3))

    assert Image(ultrasound()).pixels().shape == (64, 80, 3)
    assert loop.frames == 3
    assert [int(loop.pixels(frame).max()) for frame in (1, 2, 3)] == [0, 1, 2]
    with pytest.raises(IndexError, match="has 3"):
        loop.pixels(4)


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("us/echo_10frames_palette_rle.dcm", 10),
        ("us/echo_doppler_8frames_jpeg.dcm", 8),
        ("us/lymphnode_j2k_single.dcm", 1),
    ],
)
def test_real_palettes_and_ycbcr_become_rgb(name, frames):
    image = Image(dcmread(shared_data(name)))
    pixels = image.pixels(frames)

    assert image.frames == frames
    assert pixels.shape == (image.instance.Rows, image.instance.Columns, 3)
    assert pixels.dtype == np.uint8
    assert pixels.max() > 200


def test_images_come_in_the_order_of_their_numbers_whatever_order_they_arrive_in():
    images = [radiograph(n) for n in (3, 1, 2)]

    assert [image.InstanceNumber for image in in_image_order(images)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("images", "check"),
    [
        ([], "image count"),
        ([radiograph(Rows=None)], "Rows"),
        ([radiograph(), radiograph(2, PatientID="other")], "PatientID"),
        ([radiograph(), radiograph(2, SeriesInstanceUID="1.2")], "SeriesInstanceUID"),
    ],
)
def test_what_cannot_be_drawn_on_is_refused(images, check):
    with pytest.raises(UnfitSeries) as raised:
        in_image_order(images)
    assert raised.value.check == check


def test_pixels_that_cannot_be_decoded_are_refused():
    image = radiograph()
    image.PixelData = image.PixelData[:100]
    with pytest.raises(UnfitSeries, match="cannot be decoded"):
        Image(image).pixels()
