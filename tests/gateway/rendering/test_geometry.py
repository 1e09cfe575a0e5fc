"""Where pixels come to lie: viewport, region, flips, pixels that are not square, and limits."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from gateway.rendering.errors import InvalidRendering, TooLargeToRender
from gateway.rendering.frame import Limits, Order, render
from gateway.rendering.parameters import Rendering, Viewport, parse_rendering
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

VALUES = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) % 251


def test_without_a_viewport_the_pixel_matrix_is_that_of_the_image():
    ds = image(PixelSpacing=[1, 0.5])

    assert shown(ds).shape == (ROWS, COLUMNS)


def test_the_viewport_is_filled_without_distortion():
    assert shown(image(), viewport="60,60").shape == (40, 60)
    assert shown(image(), viewport="60,10").shape == (10, 15)


def test_a_region_of_the_image_can_be_shown():
    picture = shown(eight_bits(VALUES), viewport="10,10,20,5,10,10")

    np.testing.assert_array_equal(picture, VALUES[5:15, 20:30])


def test_a_region_runs_to_the_far_edge():
    np.testing.assert_array_equal(shown(eight_bits(VALUES), viewport="10,20,20"), VALUES[:, 20:])


def test_negative_sizes_flip():
    across = shown(eight_bits(VALUES), viewport="10,10,20,5,-10,10")
    down = shown(eight_bits(VALUES), viewport="10,10,20,5,10,-10")

    np.testing.assert_array_equal(across, VALUES[5:15, 20:30][:, ::-1])
    np.testing.assert_array_equal(down, VALUES[5:15, 20:30][::-1])


def test_a_region_may_end_within_a_pixel():
    assert shown(image(), viewport="40,40,0.5,0.5,10.5,10.5").shape == (40, 40)


def test_a_region_outside_the_image_is_refused():
    with pytest.raises(InvalidRendering):
        shown(image(), viewport="10,10,500,500,5,5")


@pytest.mark.parametrize(
    "attributes",
    [
        {"PixelSpacing": [2, 1]},
        {"PixelAspectRatio": [2, 1]},
        {"ImagerPixelSpacing": [0.2, 0.1]},
        {
            "SharedFunctionalGroupsSequence": [
                item(PixelMeasuresSequence=[item(PixelSpacing=[0.4, 0.2])])
            ]
        },
    ],
)
def test_in_a_viewport_pixels_have_their_true_shape(attributes):
    """Pixels twice as high as wide: 30 x 20 of them are 3 wide and 4 high."""
    assert shown(image(**attributes), viewport="120,120").shape == (120, 90)


def test_without_a_viewport_the_shape_of_pixels_is_written_into_the_file():
    made = rendered(image(PixelSpacing=[2, 1]), "image/jpeg")

    across, down = Image.open(BytesIO(made.content)).info["dpi"]
    assert across == pytest.approx(2 * down)


def _limited(megapixels: int, **query: str) -> None:
    ds = eight_bits(np.zeros((1200, 1000), np.uint8))
    order = Order(
        StoredPixels(written(ds), ""), 1, parse_rendering(query), limits=Limits(megapixels)
    )
    render(order, "image/png")


def test_images_beyond_the_limit_are_refused_before_they_are_decoded():
    with pytest.raises(TooLargeToRender, match="1000 x 1200") as refused:
        _limited(1)

    assert refused.value.status == 413


def test_pictures_beyond_the_limit_are_refused():
    with pytest.raises(TooLargeToRender, match="asked for"):
        _limited(2, viewport="8000,8000")


def test_less_quality_is_fewer_bytes():
    noise = np.random.default_rng(3).integers(0, 256, (64, 64))
    sizes = [len(rendered(eight_bits(noise), "image/jpeg", quality=q).content) for q in "159"]

    assert sizes == sorted(set(sizes))


def test_quality_of_a_lossless_type_is_passed_over_and_told():
    assert rendered(image(), "image/png", quality="50").notes == (
        "quality is passed over: image/png is lossless",
    )


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/gif", "image/jp2"])
def test_each_type_is_what_it_says(media_type):
    made = rendered(eight_bits(VALUES), media_type)
    picture = Image.open(BytesIO(made.content))

    assert picture.get_format_mimetype() == media_type
    assert picture.size == (COLUMNS, ROWS)
    tolerance = 12 if media_type == "image/jpeg" else 0
    np.testing.assert_allclose(np.asarray(picture.convert("L")), VALUES, atol=tolerance)


def test_jpeg_is_baseline():
    """PS3.18 8.7.4: SOF0, Huffman coded, 8 bits."""
    content = rendered(image(), "image/jpeg").content

    assert b"\xff\xc0" in content
    assert b"\xff\xc2" not in content


@pytest.mark.parametrize(
    "attribute", [("BurnedInAnnotation", "YES"), ("ImageType", ["ORIGINAL", "PRIMARY", "LABEL"])]
)
def test_a_thumbnail_of_an_image_with_text_burned_in_cannot_be_read(attribute):
    """PS3.18 10.4.1.1.4: no Patient Identifying Information. The label of a slide names them."""
    stripes = eight_bits(np.tile([0, 255], (256, 128)))
    contrasts = []
    for keyword, value in (("BurnedInAnnotation", "NO"), attribute):
        setattr(stripes, keyword, value)
        rendering = Rendering(viewport=Viewport(256, 256), is_thumbnail=True)
        order = Order(StoredPixels(written(stripes), ""), 1, rendering)
        picture = Image.open(BytesIO(render(order, "image/png").content))
        contrasts.append(np.ptp(np.asarray(picture).astype(int)))

    assert contrasts[0] == 255
    assert contrasts[1] < 64
