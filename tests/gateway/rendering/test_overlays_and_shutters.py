"""What lies over the pixels: overlay planes and display shutters."""

import numpy as np
import pytest
from pydicom import Dataset

from gateway.rendering.frame import Order, show
from gateway.rendering.parameters import parse_thumbnail
from gateway.retrieve.errors import UnusablePixelData
from gateway.retrieve.pixels import StoredPixels
from tests.gateway.index_helper import written
from tests.gateway.rendering.example_images import (
    COLUMNS,
    ROWS,
    eight_bits,
    image,
    item,
    rendered,
    shown,
)
from tests.gateway.rendering.example_states import state

GRAY = np.full((ROWS, COLUMNS), 100)
MARKS = np.zeros((6, 8), bool)
MARKS[1, :] = MARKS[:, 2] = True


def _with_overlay(ds: Dataset, origin: tuple[int, int] = (1, 1), group: int = 0x6000) -> Dataset:
    ds.add_new((group, 0x0010), "US", MARKS.shape[0])
    ds.add_new((group, 0x0011), "US", MARKS.shape[1])
    ds.add_new((group, 0x0040), "CS", "G")
    ds.add_new((group, 0x0050), "SS", list(origin))
    ds.add_new((group, 0x0100), "US", 1)
    ds.add_new((group, 0x0102), "US", 0)
    packed = np.packbits(MARKS.ravel(), bitorder="little").tobytes()
    ds.add_new((group, 0x3000), "OW", packed)
    return ds


def test_an_overlay_is_drawn_where_its_origin_is():
    picture = shown(_with_overlay(eight_bits(GRAY), (3, 5)))

    expected = GRAY.copy()
    expected[2:8, 4:12][MARKS] = 255
    np.testing.assert_array_equal(picture, expected)


def test_an_overlay_beyond_the_image_is_cut_off():
    picture = shown(_with_overlay(eight_bits(GRAY), (-1, COLUMNS - 3)))

    expected = GRAY.copy()
    expected[:4, COLUMNS - 4 :][MARKS[2:, :4]] = 255
    np.testing.assert_array_equal(picture, expected)


def test_an_overlay_in_unused_bits_of_the_pixels_is_drawn():
    """PS3.5 8.1.1, retired: bit 15 of words of which 12 bits are the pixel."""
    ds = image(BitsStored=12, HighBit=11, WindowCenter=100, WindowWidth=200)
    words = np.frombuffer(ds.PixelData, "<u2").reshape(ROWS, COLUMNS).copy()
    words[4, 6] |= 0x8000
    clean = shown(ds)
    ds.PixelData = words.tobytes()
    for element, value in ((0x10, ROWS), (0x11, COLUMNS), (0x100, 16), (0x102, 15)):
        ds.add_new((0x6000, element), "US", value)

    picture = shown(ds)

    assert picture[4, 6] == 255
    np.testing.assert_array_equal(np.delete(picture[4], 6), np.delete(clean[4], 6))


def test_a_broken_overlay_is_left_out_and_told():
    ds = _with_overlay(eight_bits(GRAY))
    ds[0x6000, 0x3000].value = b"\0"

    assert rendered(ds).notes == ("overlays are left out: overlay 6000 ends before its last pixel",)
    np.testing.assert_array_equal(shown(ds), GRAY)


def test_a_thumbnail_has_no_overlay_since_text_in_it_can_name_the_patient():
    order = Order(
        StoredPixels(written(_with_overlay(eight_bits(GRAY))), ""), 1, parse_thumbnail({})
    )

    assert np.unique(np.asarray(show(order, []).picture)).tolist() == [100]


def test_a_presentation_state_shows_only_the_overlays_that_it_activates():
    ds = _with_overlay(_with_overlay(eight_bits(GRAY)), (8, 8), 0x6002)
    active = state(ds, GraphicLayerSequence=[item(GraphicLayer="L", GraphicLayerOrder=1)])
    active.GraphicLayerSequence[0].GraphicLayerRecommendedDisplayGrayscaleValue = 0x8000
    active.add_new((0x6002, 0x1001), "CS", "L")

    picture = shown(ds, state=active)

    expected = GRAY.copy()
    expected[7:13, 7:15][MARKS] = 128
    np.testing.assert_array_equal(picture, expected)


def test_without_activation_a_presentation_state_shows_no_overlay():
    ds = _with_overlay(eight_bits(GRAY))

    np.testing.assert_array_equal(shown(ds, state=state(ds)), GRAY)


# --- shutters -------------------------------------------------------------------------------------

RECTANGLE = {
    "ShutterShape": "RECTANGULAR",
    "ShutterLeftVerticalEdge": 5,
    "ShutterRightVerticalEdge": 20,
    "ShutterUpperHorizontalEdge": 3,
    "ShutterLowerHorizontalEdge": 12,
}
CIRCLE = {
    "ShutterShape": "CIRCULAR",
    "CenterOfCircularShutter": [10, 15],
    "RadiusOfCircularShutter": 6,
}
Y, X = np.mgrid[1 : ROWS + 1, 1 : COLUMNS + 1]  # numbers of rows and columns, from 1
IN_RECTANGLE = (X >= 5) & (X <= 20) & (Y >= 3) & (Y <= 12)
IN_CIRCLE = (X - 15) ** 2 + (Y - 10) ** 2 <= 36


def _covered(**shutter: object) -> np.ndarray:
    return shown(eight_bits(GRAY, **shutter)) != 100


def test_a_rectangular_shutter_leaves_what_is_between_its_edges():
    np.testing.assert_array_equal(_covered(**RECTANGLE), ~IN_RECTANGLE)


def test_a_circular_shutter_leaves_its_disc():
    np.testing.assert_array_equal(_covered(**CIRCLE), ~IN_CIRCLE)


def test_of_two_shutters_what_lies_within_both_is_seen():
    both = {**RECTANGLE, **CIRCLE, "ShutterShape": ["RECTANGULAR", "CIRCULAR"]}

    np.testing.assert_array_equal(_covered(**both), ~(IN_RECTANGLE & IN_CIRCLE))


def test_a_polygonal_shutter_leaves_what_is_within_its_vertices():
    """Row and column of a right triangle."""
    triangle = {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [2, 2, 18, 2, 18, 18]}

    np.testing.assert_array_equal(~_covered(**triangle), (X >= 2) & (Y <= 18) & (X <= Y))


def test_a_round_shutter_is_round_where_pixels_are_not_square():
    """Pixels twice as high as wide: 6 columns to each side, 3 rows up and down."""
    open_to = ~_covered(**CIRCLE, PixelAspectRatio=[2, 1])

    assert open_to.any(axis=0).sum() == 13
    assert open_to.any(axis=1).sum() == 7


@pytest.mark.parametrize(("value", "level"), [(None, 0), (0, 0), (0x8000, 128), (0xFFFF, 255)])
def test_the_cover_has_the_brightness_that_the_shutter_says(value, level):
    shutter = RECTANGLE if value is None else {**RECTANGLE, "ShutterPresentationValue": value}

    assert shown(eight_bits(GRAY, **shutter))[0, 0] == level


def test_the_shutter_of_a_state_stands_instead_of_the_image_s():
    ds = eight_bits(GRAY, **RECTANGLE)

    np.testing.assert_array_equal(shown(ds, state=state(ds, **CIRCLE)) != 100, ~IN_CIRCLE)
    np.testing.assert_array_equal(shown(ds, state=state(ds)), GRAY)


def test_a_bitmap_shutter_covers_what_its_overlay_marks():
    ds = eight_bits(GRAY)
    shuttered = _with_overlay(state(ds, ShutterShape="BITMAP", ShutterOverlayGroup=0x6000), (3, 5))

    covered = shown(ds, state=shuttered) != 100

    expected = np.zeros_like(covered)
    expected[2:8, 4:12] = MARKS
    np.testing.assert_array_equal(covered, expected)


@pytest.mark.parametrize(
    "shutter",
    [
        {"ShutterShape": "CIRCULAR"},
        {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 1, 2, 2]},
        {"ShutterShape": "BITMAP"},
    ],
)
def test_a_shutter_without_its_measures_is_left_out_and_told(shutter):
    ds = eight_bits(GRAY, **shutter)

    assert "the display shutter is left out" in rendered(ds).notes[0]
    np.testing.assert_array_equal(shown(ds), GRAY)
    with pytest.raises(UnusablePixelData, match="shutter"):  # a state is followed or refused
        shown(eight_bits(GRAY), state=state(ds, **shutter))
