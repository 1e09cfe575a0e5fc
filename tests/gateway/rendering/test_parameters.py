"""The query parameters of rendered resources: PS3.18 8.3.5.1."""

import pytest

from gateway.rendering.errors import InvalidRendering
from gateway.rendering.parameters import (
    LARGEST_THUMBNAIL,
    THUMBNAIL,
    Region,
    Viewport,
    Window,
    parse_rendering,
    parse_thumbnail,
)


@pytest.mark.parametrize(
    "query",
    [
        {"window": ""},
        {"window": "40"},
        {"window": "40,400"},
        {"window": "a,b,linear"},
        {"window": "40,0,linear"},
        {"window": "40,0,sigmoid"},
        {"window": "40,400,cubic"},
        {"window": "40,400,linear,1"},
        {"window": "nan,400,linear"},
        {"window": "40,inf,linear"},
        {"window": "1e999,400,linear"},
        {"viewport": ""},
        {"viewport": "10"},
        {"viewport": "0,10"},
        {"viewport": "-10,10"},
        {"viewport": "10.5,10"},
        {"viewport": "99999,10"},
        {"viewport": "10,10,5,5,0,5"},
        {"viewport": "10,10,1e99,0,1,1"},
        {"viewport": "10,10,x,0,1,1"},
        {"viewport": "10,10,1,1,1,1,1"},
        {"viewport": "١٢,10"},
        {"quality": ""},
        {"quality": "0"},
        {"quality": "101"},
        {"quality": "best"},
        {"annotation": ""},
        {"annotation": "patient,"},
        {"annotation": "<script>"},
        {"iccprofile": ""},
        {"iccprofile": "cmyk"},
    ],
)
def test_a_parameter_that_means_nothing_is_refused(query):
    with pytest.raises(InvalidRendering) as refused:
        parse_rendering(query)

    assert refused.value.status == 400
    assert "expected" in str(refused.value)


def test_a_window_is_read():
    assert parse_rendering({"window": "-600, 1.5e3 ,linear-exact"}).window == Window(
        -600, 1500, "LINEAR_EXACT"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("512,256", Viewport(512, 256)),
        ("512,512,,,512,512", Viewport(512, 512, Region(0, 0, 512, 512))),
        ("9,9,1.5,2", Viewport(9, 9, Region(1.5, 2))),
        ("9,9,,,-7", Viewport(9, 9, Region(0, 0, 7, None, flip_horizontally=True))),
        ("9,9,0,0,7,-8", Viewport(9, 9, Region(0, 0, 7, 8, flip_vertically=True))),
    ],
)
def test_a_viewport_is_read_with_its_region(text, expected):
    assert parse_rendering({"viewport": text}).viewport == expected


def test_an_annotation_that_is_not_supported_is_passed_over_and_told():
    rendering = parse_rendering({"annotation": "technique,logo,patient"})

    assert rendering.annotation == ("patient", "technique")
    assert rendering.notes == ("The following annotation values are not supported: logo",)


def test_a_thumbnail_has_a_size_of_its_own_and_may_be_asked_for_another():
    assert parse_thumbnail({}).viewport == Viewport(THUMBNAIL, THUMBNAIL)
    assert parse_thumbnail({"viewport": "64,48"}).viewport == Viewport(64, 48)
    assert parse_thumbnail({"viewport": "8000,48"}).viewport == Viewport(LARGEST_THUMBNAIL, 48)


def test_a_thumbnail_is_of_the_whole_image():
    with pytest.raises(InvalidRendering, match="no region"):
        parse_thumbnail({"viewport": "64,64,0,0,10,10"})


def test_a_thumbnail_carries_no_annotation():
    assert parse_thumbnail({"annotation": "patient"}).annotation == ()
