"""Gray images: modality LUT, window, VOI LUT and polarity, each by its formula."""

import numpy as np
import pytest

from gateway.retrieve.errors import UnusablePixelData
from tests.gateway.rendering.example_images import (
    COLUMNS,
    HU,
    ROWS,
    eight_bits,
    image,
    item,
    lut,
    rendered,
    shown,
)


def _linear(center: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1, written as the standard writes it."""
    y = ((HU - (center - 0.5)) / (width - 1) + 0.5) * 255
    y[center - 0.5 - (width - 1) / 2 >= HU] = 0
    y[center - 0.5 + (width - 1) / 2 < HU] = 255
    return y


def test_the_window_of_the_header_is_applied_to_modality_values():
    picture = shown(image(WindowCenter=[20, 500], WindowWidth=[100, 10]))

    np.testing.assert_allclose(picture[0], _linear(20, 100), atol=0.51)


def test_a_window_asked_for_goes_before_that_of_the_header():
    picture = shown(image(WindowCenter=20, WindowWidth=100), window="50,80,linear")

    np.testing.assert_allclose(picture[3], _linear(50, 80), atol=0.51)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("linear", _linear(50, 80)),
        ("linear-exact", np.clip((HU - 50) / 80 + 0.5, 0, 1) * 255),
        ("sigmoid", 255 / (1 + np.exp(-4 * (HU - 50) / 80))),
    ],
)
def test_each_voi_function_follows_its_formula(function, expected):
    picture = shown(image(), window=f"50,80,{function}")

    np.testing.assert_allclose(picture[0], expected, atol=0.51)


def test_a_window_of_width_1_is_a_step():
    picture = shown(image(), window="50.5,1,linear")

    np.testing.assert_array_equal(picture[0], np.where(HU > 50, 255, 0))


def test_without_a_window_the_whole_range_is_shown():
    np.testing.assert_allclose(shown(image())[0], np.linspace(0, 255, COLUMNS), atol=0.51)


def test_images_of_8_bits_are_shown_as_they_are():
    values = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) % 100 + 50

    np.testing.assert_array_equal(shown(eight_bits(values)), values)


def test_an_image_of_one_value_is_shown_without_a_fault():
    assert shown(image(PixelData=bytes(ROWS * COLUMNS * 2))).max() == 0


def test_padding_does_not_stretch_the_range():
    values = np.tile(np.arange(COLUMNS, dtype="<i2") * 10, (ROWS, 1))
    values[:, :5] = -2000
    values[:, 5:8] = -1500
    ds = image(PixelRepresentation=1, PixelData=values.tobytes(), RescaleIntercept=0)
    ds.add_new("PixelPaddingValue", "SS", -2000)
    ds.add_new("PixelPaddingRangeLimit", "SS", -1500)

    picture = shown(ds)[0]

    assert picture[:9].tolist() == [0] * 9
    np.testing.assert_allclose(picture[8:], np.linspace(0, 255, COLUMNS - 8), atol=0.51)


def test_padding_written_with_the_wrong_sign_is_still_padding():
    values = np.tile(np.arange(COLUMNS, dtype="<i2") * 10, (ROWS, 1))
    values[:, 0] = -2000
    ds = image(PixelRepresentation=1, PixelData=values.tobytes())
    ds.add_new("PixelPaddingValue", "US", 65536 - 2000)

    assert shown(ds)[0, 15] == pytest.approx((150 - 10) / 280 * 255, abs=1)


def test_monochrome1_is_shown_inverted():
    plain, inverted = shown(image()), shown(image(PhotometricInterpretation="MONOCHROME1"))

    np.testing.assert_allclose(255 - plain.astype(int), inverted, atol=1)


def test_monochrome1_with_an_inverse_shape_is_inverted_once():
    """PS3.3 C.8.11.3.1.2: a DX image for presentation says it twice."""
    both = shown(image(PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE"))

    np.testing.assert_array_equal(both, shown(image(PhotometricInterpretation="MONOCHROME1")))


def test_a_voi_lut_is_applied():
    ds = image(RescaleIntercept=0, VOILUTSequence=[lut(np.arange(255, -1, -1), bits=8)])

    assert shown(ds)[0, :4].tolist() == [255, 245, 235, 225]


def test_a_voi_lut_begins_below_zero():
    ds = image(VOILUTSequence=[lut(np.arange(256) * 257, first=-100)])

    assert shown(ds)[0, :4].tolist() == [0, 10, 20, 30]


def test_a_voi_lut_of_bytes_is_read():
    table = item()
    table.add_new("LUTDescriptor", "US", [256, 0, 8])
    table.add_new("LUTData", "OW", np.arange(255, -1, -1, dtype=np.uint8).tobytes())

    picture = shown(image(RescaleIntercept=0, VOILUTSequence=[table]))

    assert picture[0, :4].tolist() == [255, 245, 235, 225]


@pytest.mark.parametrize(
    "broken",
    [
        {"LUTData": b"\0\1"},
        {"LUTDescriptor": [256, 0, 40]},
        {"LUTDescriptor": [256, 0]},
        {"LUTDescriptor": None},
    ],
)
def test_a_broken_table_is_said_to_be(broken):
    table = lut(np.arange(256), bits=8)
    for keyword, value in broken.items():
        if value is None:
            del table[keyword]
        else:
            table[keyword].value = value

    with pytest.raises(UnusablePixelData, match="how to show"):
        shown(image(VOILUTSequence=[table]))


def test_a_modality_lut_is_applied():
    ds = image(ModalityLUTSequence=[lut(np.arange(291)[::-1])])

    np.testing.assert_allclose(shown(ds)[0], np.linspace(255, 0, COLUMNS), atol=0.51)


def test_the_modality_lut_of_a_log_projection_is_not_for_display():
    """PS3.3 C.8.7.1.1.2: it leads to X-ray intensities."""
    xa = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.12.1", "PixelIntensityRelationship": "LOG"}
    ds = image(ModalityLUTSequence=[lut(np.arange(291)[::-1])], **xa)

    np.testing.assert_allclose(shown(ds)[0], np.linspace(0, 255, COLUMNS), atol=0.51)


def test_a_rescale_slope_of_0_is_passed_over_and_told():
    made = rendered(image(RescaleSlope=0))

    assert made.notes == ("Rescale Slope is 0, so stored values are shown instead",)
    np.testing.assert_array_equal(shown(image(RescaleSlope=0)), shown(image()))


def test_a_window_without_width_is_passed_over_and_told():
    made = rendered(image(WindowCenter=40, WindowWidth=0))

    assert "whole range" in made.notes[0]


def test_each_frame_has_its_own_rescale_and_window():
    groups = [
        item(
            PixelValueTransformationSequence=[item(RescaleSlope=1, RescaleIntercept=intercept)],
            FrameVOILUTSequence=[item(WindowCenter=100, WindowWidth=200)],
        )
        for intercept in (0, -100)
    ]
    ds = image(NumberOfFrames=2, PerFrameFunctionalGroupsSequence=groups)
    del ds.RescaleSlope, ds.RescaleIntercept
    ds.PixelData = ds.PixelData * 2

    first, second = shown(ds, frame=1)[0], shown(ds, frame=2)[0]

    np.testing.assert_array_equal(first[:20], second[10:])


def test_bits_beyond_those_stored_are_not_the_pixels():
    """12 bits stored, uppermost bits set by an old overlay; and the same shifted to the top."""
    values = np.tile(np.arange(COLUMNS, dtype="<u2") * 10, (ROWS, 1))
    twelve = {"BitsStored": 12, "HighBit": 11}
    clean = shown(image(**twelve), window="50,80,linear")

    marked = image(PixelData=(values | 0xA000).tobytes(), **twelve)
    shifted = image(PixelData=(values << 4).tobytes(), BitsStored=12, HighBit=15)

    np.testing.assert_array_equal(shown(marked, window="50,80,linear"), clean)
    np.testing.assert_array_equal(shown(shifted, window="50,80,linear"), clean)


def test_the_sign_is_the_highest_stored_bit():
    values = np.tile(np.arange(COLUMNS, dtype="<i2") * 10 - 150, (ROWS, 1))
    unextended = (values & 0x0FFF).astype("<u2")
    attributes = {"PixelRepresentation": 1, "RescaleIntercept": 0}
    full = image(PixelData=values.tobytes(), **attributes)
    twelve = image(PixelData=unextended.tobytes(), BitsStored=12, HighBit=11, **attributes)

    np.testing.assert_array_equal(
        shown(twelve, window="0,200,linear"), shown(full, window="0,200,linear")
    )


def test_floating_point_pixels_have_an_exact_window():
    """Between 0 and 1 LINEAR would be a step, since it counts whole numbers."""
    values = np.tile(np.linspace(0, 1, COLUMNS, dtype="<f4"), (ROWS, 1))
    values[0, 0] = np.nan
    ds = image(WindowCenter=0.5, WindowWidth=1, FloatPixelData=values.tobytes(), BitsAllocated=32)
    for keyword in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(ds, keyword)
    del ds.RescaleSlope, ds.RescaleIntercept

    picture = shown(ds)

    np.testing.assert_allclose(picture[1], np.linspace(0, 255, COLUMNS), atol=0.51)
    assert picture[0, 0] == 0


def test_doses_of_32_bits_are_spread_over_their_range():
    values = np.tile(np.arange(COLUMNS, dtype="<u4") * 100_000, (ROWS, 1))
    ds = image(BitsAllocated=32, BitsStored=32, HighBit=31, PixelData=values.tobytes())

    np.testing.assert_allclose(shown(ds)[0], np.linspace(0, 255, COLUMNS), atol=0.51)
