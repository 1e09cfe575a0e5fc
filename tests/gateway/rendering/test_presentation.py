"""Presentation states: each transformation by its definition, and refusals said aloud."""

import numpy as np
import pytest

from gateway.rendering.errors import NotRenderable
from gateway.rendering.presentation import COLOUR, PSEUDO_COLOUR
from gateway.retrieve.errors import UnusablePixelData
from tests.gateway.rendering.example_images import (
    COLUMNS,
    ROWS,
    eight_bits,
    image,
    item,
    lut,
    rendered,
    shown,
)
from tests.gateway.rendering.example_states import area, reference, state

VALUES = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) % 251
EIGHT = eight_bits(VALUES)


def test_the_state_stands_instead_of_the_image():
    """PS3.4 N.2: neither the image's window nor its rescaling are used beside it."""
    ds = image(WindowCenter=0, WindowWidth=10)
    plain = state(ds, RescaleSlope=None, RescaleIntercept=None, RescaleType=None)

    expected = np.arange(COLUMNS) * 10 / 65535 * 255
    np.testing.assert_allclose(shown(ds, state=plain)[0], expected, atol=0.51)


def test_a_window_belongs_to_the_image_and_frame_it_names():
    ds = image(NumberOfFrames=2)
    ds.PixelData = ds.PixelData * 2
    windows = [
        item(WindowCenter=50, WindowWidth=80, ReferencedImageSequence=[reference(ds, 2)]),
        item(WindowCenter=0, WindowWidth=300, ReferencedImageSequence=[reference(ds)]),
    ]
    both = state(ds, SoftcopyVOILUTSequence=windows)

    first, second = shown(ds, 1, both), shown(ds, 2, both)

    np.testing.assert_array_equal(first, shown(ds, 1, window="0,300,linear"))
    np.testing.assert_array_equal(second, shown(ds, 2, window="50,80,linear"))


def test_the_presentation_lut_inverts():
    window = [item(WindowCenter=50, WindowWidth=80)]
    plain = shown(image(), state=state(image(), SoftcopyVOILUTSequence=window))
    inverse = state(image(), SoftcopyVOILUTSequence=window, PresentationLUTShape="INVERSE")

    np.testing.assert_allclose(255 - plain.astype(int), shown(image(), state=inverse), atol=1)


def test_a_presentation_lut_bends_the_shares_of_brightness():
    table = lut(np.linspace(0, 1, 4096) ** 2 * 65535)
    bent = state(EIGHT, PresentationLUTShape=None, PresentationLUTSequence=[table])

    expected = (VALUES / 255) ** 2 * 255
    np.testing.assert_allclose(shown(EIGHT, state=bent), expected, atol=0.6)


TURNED = {0: VALUES, 90: np.rot90(VALUES, -1), 180: np.rot90(VALUES, 2), 270: np.rot90(VALUES)}


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_images_are_turned_clockwise_and_then_flipped(rotation):
    turned = state(EIGHT, ImageRotation=rotation)
    flipped = state(EIGHT, ImageRotation=rotation, ImageHorizontalFlip="Y")

    np.testing.assert_array_equal(shown(EIGHT, state=turned), TURNED[rotation])
    np.testing.assert_array_equal(shown(EIGHT, state=flipped), TURNED[rotation][:, ::-1])


def test_the_displayed_area_includes_both_its_corners():
    cut = state(EIGHT, DisplayedAreaSelectionSequence=[area([6, 3], [15, 12])])

    np.testing.assert_array_equal(shown(EIGHT, state=cut), VALUES[2:12, 5:15])


def test_the_corners_of_a_flipped_area_are_those_that_are_seen():
    """C.10.4: the upper left corner after the turn may lie right of the other one."""
    cut = state(
        EIGHT,
        DisplayedAreaSelectionSequence=[area([15, 3], [6, 12])],
        ImageHorizontalFlip="Y",
    )

    np.testing.assert_array_equal(shown(EIGHT, state=cut), VALUES[2:12, 5:15][:, ::-1])


def test_beyond_the_image_the_displayed_area_is_black():
    wide = state(EIGHT, DisplayedAreaSelectionSequence=[area([-4, 1], [COLUMNS + 5, ROWS])])

    picture = shown(EIGHT, state=wide)

    np.testing.assert_array_equal(picture[:, 5:-5], VALUES)
    assert not picture[:, :5].any()
    assert not picture[:, -5:].any()
    half = shown(EIGHT, state=wide, viewport="20,20")
    assert half.shape == (10, 20)
    assert not half[:, :2].any()


def test_magnification_enlarges():
    large = area([1, 1], [10, 5], PresentationSizeMode="MAGNIFY")
    large.PresentationPixelMagnificationRatio = 4

    picture = shown(EIGHT, state=state(EIGHT, DisplayedAreaSelectionSequence=[large]))

    assert picture.shape == (20, 40)


def test_true_size_cannot_be_kept_and_is_told():
    true = area(
        [1, 1], [10, 5], PresentationSizeMode="TRUE SIZE", PresentationPixelSpacing=[1, 0.5]
    )
    sized = state(EIGHT, DisplayedAreaSelectionSequence=[true])

    assert "not the true size" in rendered(EIGHT, state=sized).notes[0]
    assert shown(EIGHT, state=sized, viewport="40,40").shape == (40, 40)


def test_the_viewport_of_a_turned_state_holds_it_turned():
    turned = state(EIGHT, ImageRotation=90)

    assert shown(EIGHT, state=turned, viewport="60,60").shape == (60, 40)


def test_an_identity_for_a_monochrome1_image_is_not_inverted():
    """C.11.6.1.2: the shape of the state says all; DCMTK shows it so too."""
    ds = eight_bits(VALUES, PhotometricInterpretation="MONOCHROME1")

    np.testing.assert_array_equal(shown(ds, state=state(ds)), VALUES)


def _palette(ds: object) -> None:
    for place, colour in enumerate(("Red", "Green", "Blue")):
        ds.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [256, 0, 8])
        table = np.roll(np.arange(256, dtype=np.uint8), 50 * place)
        ds.add_new(f"{colour}PaletteColorLookupTableData", "OW", table.tobytes())


def test_a_pseudo_colour_state_paints_gray_values():
    painted = state(EIGHT, SOPClassUID=PSEUDO_COLOUR, PresentationLUTShape=None)
    _palette(painted)

    picture = shown(EIGHT, state=painted).astype(int)

    np.testing.assert_array_equal(picture[..., 0], VALUES)
    np.testing.assert_array_equal(picture[..., 1], (VALUES - 50) % 256)


def test_a_colour_state_turns_a_colour_image():
    colours = np.random.default_rng(1).integers(0, 256, (ROWS, COLUMNS, 3), np.uint8)
    ds = eight_bits(colours)
    turned = state(ds, SOPClassUID=COLOUR, ImageRotation=180, PresentationLUTShape=None)

    np.testing.assert_array_equal(shown(ds, state=turned), colours[::-1, ::-1])


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.11.4"}, "Blending"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.11.99"}, "11.99 is not supported"),
        ({"MaskSubtractionSequence": [item(MaskOperation="AVG_SUB")]}, "mask"),
        ({"SOPClassUID": COLOUR}, "does not fit"),
    ],
)
def test_what_cannot_be_applied_is_refused(attributes, reason):
    with pytest.raises(NotRenderable, match=reason) as refused:
        shown(EIGHT, state=state(EIGHT, **attributes))

    assert refused.value.status == 406


@pytest.mark.parametrize(
    "attributes",
    [
        {"ImageRotation": 45},
        {"DisplayedAreaSelectionSequence": [item(PresentationSizeMode="SCALE TO FIT")]},
        {"ShutterShape": "RECTANGULAR"},
        {"ShutterShape": "STAR"},
        {"SoftcopyVOILUTSequence": [item(VOILUTSequence=[item()])]},
    ],
)
def test_what_makes_no_sense_is_said_to(attributes):
    with pytest.raises(UnusablePixelData, match="how to show"):
        shown(EIGHT, state=state(EIGHT, **attributes))
