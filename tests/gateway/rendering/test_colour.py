"""Colour: as stored, by palettes, and of segments."""

import numpy as np
import pytest
from highdicom.color import CIELabColor
from pydicom import Dataset
from pydicom.uid import SegmentationStorage

from gateway.rendering.frame import Order, show
from gateway.rendering.parameters import Rendering
from gateway.retrieve.errors import UnusablePixelData
from gateway.retrieve.pixels import StoredPixels
from tests.gateway.rendering.example_images import (
    COLUMNS,
    ROWS,
    eight_bits,
    image,
    item,
    rendered,
    shown,
)
from tests.shared_data import shared_data

COLOUR = np.random.default_rng(1).integers(0, 256, (ROWS, COLUMNS, 3), np.uint8)
TABLE = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)], np.uint8)
INDICES = np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS) % 4


def test_colour_is_shown_as_it_is():
    planes = COLOUR.transpose(2, 0, 1).tobytes()
    by_plane = eight_bits(COLOUR, PlanarConfiguration=1, PixelData=planes)

    np.testing.assert_array_equal(shown(eight_bits(COLOUR)), COLOUR)
    np.testing.assert_array_equal(shown(by_plane), COLOUR)


def test_colours_of_12_bits_are_shown_by_their_upper_8():
    ds = eight_bits(COLOUR, BitsAllocated=16, BitsStored=12, HighBit=11)
    ds.PixelData = (COLOUR.astype("<u2") << 4).tobytes()

    np.testing.assert_array_equal(shown(ds), COLOUR)


def test_ybr_becomes_rgb():
    """PS3.3 C.7.6.3.1.2: Y = .299 R + .587 G + .114 B, and so on."""
    ybr = np.full((ROWS, COLUMNS, 3), (76, 85, 255), np.uint8)  # red

    picture = shown(eight_bits(ybr, PhotometricInterpretation="YBR_FULL"))

    np.testing.assert_allclose(picture[0, 0], (254, 0, 0), atol=1)


def test_subsampled_ybr_becomes_rgb():
    pairs = np.tile(np.array([76, 76, 85, 255], np.uint8), ROWS * COLUMNS // 2)
    ds = eight_bits(COLOUR, PhotometricInterpretation="YBR_FULL_422", PixelData=pairs.tobytes())

    np.testing.assert_allclose(shown(ds)[5, 7], (254, 0, 0), atol=1)


def test_a_window_for_a_colour_image_is_passed_over_and_told():
    made = rendered(eight_bits(COLOUR), window="50,80,linear")

    assert made.notes == ("window is passed over: a colour image has none",)


@pytest.mark.parametrize("kind", ["HSV", "YBR_PARTIAL_420", "MONOCHROME2"])
def test_colours_of_a_retired_kind_are_refused(kind):
    with pytest.raises(UnusablePixelData, match="no colours known"):
        shown(eight_bits(COLOUR, PhotometricInterpretation=kind))


def _with_palette(ds: Dataset, table: np.ndarray, first: int = 0, bits: int = 8) -> Dataset:
    for place, colour in enumerate(("Red", "Green", "Blue")):
        descriptor = [len(table), first, bits]
        ds.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", descriptor)
        data = table[:, place].astype("u1" if bits == 8 else "<u2").tobytes()
        ds.add_new(f"{colour}PaletteColorLookupTableData", "OW", data)
    return ds


def test_a_palette_gives_its_colours():
    ds = _with_palette(eight_bits(INDICES, PhotometricInterpretation="PALETTE COLOR"), TABLE)

    np.testing.assert_array_equal(shown(ds), TABLE[INDICES])


def test_a_palette_of_16_bits_that_begins_later():
    ds = eight_bits(INDICES + 5, PhotometricInterpretation="PALETTE COLOR")
    _with_palette(ds, TABLE.astype(np.uint16) * 257, first=6, bits=16)

    np.testing.assert_array_equal(shown(ds), TABLE[np.clip(INDICES - 1.0, 0, 3).astype(int)])


def test_a_segmented_palette_is_spread_out():
    """Discrete 0, 10; linear up to 250 by 8 steps; then both again (PS3.3 C.7.9.2)."""
    values = np.arange(20, dtype=np.uint8)
    ds = eight_bits(np.tile(values, (2, 1)), PhotometricInterpretation="PALETTE COLOR")
    words = np.array([0, 2, 0, 10, 1, 8, 250, 2, 2, 0, 0], "<u2")
    for colour in ("Red", "Green", "Blue"):
        ds.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [20, 0, 8])
        ds.add_new(f"Segmented{colour}PaletteColorLookupTableData", "OW", words.tobytes())

    once = [0, 10, 40, 70, 100, 130, 160, 190, 220, 250]
    assert shown(ds)[0, :, 0].tolist() == once + once


@pytest.mark.parametrize(
    "words",
    [
        [1, 4, 100],  # a line from nowhere
        [0, 0, 0, 0],  # an empty segment, of which there could be millions
        [0, 2, 1, 2, 2, 9, 77, 0],  # repeats what is not there
        [9, 1, 1, 1],
        [0, 2, 1, 2],  # too short
    ],
)
def test_a_broken_segmented_palette_is_said_to_be(words):
    ds = eight_bits(INDICES, PhotometricInterpretation="PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        ds.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [256, 0, 8])
        data = np.array(words, "<u2").tobytes()
        ds.add_new(f"Segmented{colour}PaletteColorLookupTableData", "OW", data)

    with pytest.raises(UnusablePixelData, match="how to show"):
        shown(ds)


def test_a_supplemental_palette_colours_the_upper_values():
    """PS3.3 C.7.6.19: gray below the palette, its colours from there on."""
    values = np.tile(np.arange(COLUMNS, dtype="<u2"), (ROWS, 1))
    ds = image(PixelPresentation="COLOR", PixelData=values.tobytes(), RescaleIntercept=0)
    _with_palette(ds, TABLE, first=20)

    picture = shown(ds, window="10,21,linear")

    np.testing.assert_array_equal(picture[0, 20:24], TABLE)
    assert picture[0, 29].tolist() == [0, 0, 255]
    assert (picture[0, :20, 0] == picture[0, :20, 1]).all()
    assert picture[0, 10].tolist() == [134, 134, 134]


def test_a_real_perfusion_map_is_in_colour():
    content = shared_data("enhanced", "ct_perfusion_2frames.dcm").read_bytes()

    picture = np.asarray(show(Order(StoredPixels(content, ""), 1, Rendering()), []).picture)

    assert (picture.max(axis=2) > picture.min(axis=2)).mean() > 0.05


# --- segments -------------------------------------------------------------------------------------


def _segmentation(kind: str, pixels: np.ndarray, bits: int, **attributes: object) -> Dataset:
    data = np.packbits(pixels.ravel(), bitorder="little") if bits == 1 else pixels
    ds = image(
        SOPClassUID=SegmentationStorage,
        Modality="SEG",
        SegmentationType=kind,
        NumberOfFrames=len(pixels),
        BitsAllocated=bits,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelData=data.astype(np.uint8).tobytes(),
        **attributes,
    )
    del ds.RescaleSlope, ds.RescaleIntercept
    return ds


def _segment(number: int, colour: tuple[int, int, int]) -> Dataset:
    lab = list(CIELabColor.from_rgb(*colour).value)
    return item(SegmentNumber=number, RecommendedDisplayCIELabValue=lab)


def _frame_of(segment: int) -> Dataset:
    return item(SegmentIdentificationSequence=[item(ReferencedSegmentNumber=segment)])


MASK = np.random.default_rng(2).integers(0, 2, (3, ROWS, COLUMNS), np.uint8)


def test_a_binary_segment_without_a_colour_is_white_on_black():
    ds = _segmentation("BINARY", MASK, 1)

    for number in (1, 2, 3):
        np.testing.assert_array_equal(shown(ds, frame=number), MASK[number - 1] * 255)


def test_each_segment_has_its_recommended_colour():
    ds = _segmentation(
        "BINARY",
        MASK,
        1,
        SegmentSequence=[_segment(1, (255, 0, 0)), _segment(2, (10, 200, 30))],
        PerFrameFunctionalGroupsSequence=[_frame_of(1), _frame_of(2), _frame_of(2)],
    )

    np.testing.assert_array_equal(shown(ds, frame=1), MASK[0, :, :, None] * [255, 0, 0])
    np.testing.assert_array_equal(shown(ds, frame=3), MASK[2, :, :, None] * [10, 200, 30])


def test_a_fractional_segment_is_the_brighter_the_more_of_it():
    values = np.tile(np.linspace(0, 200, COLUMNS).astype(np.uint8), (1, ROWS, 1))
    ds = _segmentation(
        "FRACTIONAL",
        values,
        8,
        MaximumFractionalValue=200,
        SegmentSequence=[_segment(1, (200, 100, 0))],
    )

    picture = shown(ds)

    assert picture[0, 0].tolist() == [0, 0, 0]
    assert picture[0, -1].tolist() == [200, 100, 0]
    assert picture[0, 15, 0] == pytest.approx(2 * picture[0, 15, 1], abs=1)


def test_each_label_of_a_label_map_is_told_from_the_others():
    labels = np.tile(np.arange(COLUMNS, dtype=np.uint8) // 8, (1, ROWS, 1))
    ds = _segmentation("LABELMAP", labels, 8, SegmentSequence=[_segment(2, (255, 0, 0))])

    row = shown(ds)[0]

    assert row[0].tolist() == [0, 0, 0]
    assert row[17].tolist() == [255, 0, 0]
    assert len({tuple(colour) for colour in row.tolist()}) == 4
