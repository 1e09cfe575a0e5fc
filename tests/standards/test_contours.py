"""Outlines lie where the mask is, in the coordinates of SCOORD and graphic annotations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.draw import polygon2mask

from standards.contours import enclosed_area, outlines


def _disc(rows=80, columns=100, centre=(30, 60), radius=20.0) -> np.ndarray:
    y, x = np.ogrid[0:rows, 0:columns]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2


def _filled(outline: np.ndarray, shape) -> np.ndarray:
    return polygon2mask(shape, outline[:, ::-1] - 0.5)


def test_a_disc_is_outlined_where_it_lies():
    mask = _disc()

    (outline,) = outlines(mask)

    np.testing.assert_array_equal(outline[0], outline[-1])
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    np.testing.assert_allclose(middle, [60.5, 30.5], atol=0.02)  # (column, row) of a pixel's centre
    assert enclosed_area(outline) == pytest.approx(mask.sum(), rel=0.01)
    assert np.count_nonzero(_filled(outline, mask.shape) ^ mask) <= 0.02 * mask.sum()
    assert len(outline) < 100


def test_the_piece_that_encloses_most_comes_first_and_a_hole_has_its_own():
    mask = _disc() & ~_disc(radius=8)
    mask |= _disc(centre=(65, 15), radius=5)

    found = outlines(mask)

    assert len(found) == 3
    areas = [enclosed_area(outline) for outline in found]
    assert areas == sorted(areas, reverse=True)


def test_marks_at_the_edge_stay_inside_the_image():
    (outline,) = outlines(np.ones((6, 9), bool))

    assert outline.min() >= 0
    assert outline[:, 0].max() == pytest.approx(9, abs=0.02)
    assert outline[:, 1].max() == pytest.approx(6, abs=0.02)


def test_a_single_pixel_is_a_closed_curve_around_its_centre():
    mask = np.zeros((5, 5), bool)
    mask[2, 3] = True

    (outline,) = outlines(mask)

    assert len(outline) >= 4
    np.testing.assert_allclose(outline[:-1].mean(axis=0), [3.5, 2.5], atol=0.02)


def test_nothing_marked_has_no_outline():
    assert outlines(np.zeros((4, 4), bool)) == []


@settings(max_examples=50, deadline=None)
@given(arrays(bool, (7, 8), elements=st.booleans()))
def test_every_outline_is_closed_and_inside_the_image(mask):
    for outline in outlines(mask):
        np.testing.assert_array_equal(outline[0], outline[-1])
        assert (outline >= 0).all()
        assert (outline <= [8, 7]).all()


def test_no_point_lies_on_a_line_through_pixel_centres():
    """Scan lines there would count it twice, and a viewer would measure other pixels than ours."""
    (outline,) = outlines(_disc())
    off = np.abs(outline - np.floor(outline) - 0.5)
    assert off.min() > 0.005
