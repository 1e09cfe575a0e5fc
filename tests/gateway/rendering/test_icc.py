"""ICC profiles: embedded, converted to, and refused (PS3.18 8.3.5.1.5)."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from gateway.rendering.errors import InvalidRendering
from gateway.rendering.icc import well_known
from tests.gateway.rendering.example_images import eight_bits, item, rendered

SPACES = ("srgb", "adobergb", "rommrgb")
COLOUR = np.zeros((8, 8, 3), np.uint8)
COLOUR[:] = (150, 120, 100)


def _opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


def _profile(content: bytes) -> bytes | None:
    return _opened(content).info.get("icc_profile")


@pytest.mark.parametrize("query", [{}, {"iccprofile": "no"}])
def test_no_profile_is_embedded_unless_one_is_wanted(query):
    ds = eight_bits(COLOUR, ICCProfile=well_known("adobergb"))

    assert _profile(rendered(ds, "image/jpeg", **query).content) is None


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png"])
def test_the_profile_of_the_object_is_embedded_and_its_pixels_stay(media_type):
    ds = eight_bits(COLOUR, ICCProfile=well_known("adobergb"))

    content = rendered(ds, media_type, iccprofile="yes").content

    assert _profile(content) == well_known("adobergb")
    np.testing.assert_allclose(np.asarray(_opened(content))[0, 0], (150, 120, 100), atol=2)


def test_the_profile_of_the_optical_path_is_embedded():
    ds = eight_bits(COLOUR, OpticalPathSequence=[item(ICCProfile=well_known("rommrgb"))])

    assert _profile(rendered(ds, iccprofile="yes").content) == well_known("rommrgb")


def test_an_object_without_a_profile_is_taken_for_srgb():
    assert _profile(rendered(eight_bits(COLOUR), iccprofile="yes").content) == well_known("srgb")


def test_gray_images_get_one_too():
    content = rendered(eight_bits(COLOUR[..., 0]), iccprofile="srgb").content

    assert _opened(content).mode == "RGB"
    assert _profile(content) == well_known("srgb")
    assert np.asarray(_opened(content))[0, 0].tolist() == [150, 150, 150]


@pytest.mark.parametrize("stored", SPACES)
@pytest.mark.parametrize("wanted", SPACES)
def test_colours_stay_the_same_in_another_space(stored, wanted):
    """Converted, embedded, and converted back by LittleCMS, they are what they were."""
    ds = eight_bits(COLOUR, ICCProfile=well_known(stored))

    content = rendered(ds, iccprofile=wanted).content

    assert _profile(content) == well_known(wanted)
    back = ImageCms.profileToProfile(
        _opened(content), BytesIO(well_known(wanted)), BytesIO(well_known(stored))
    )
    np.testing.assert_allclose(np.asarray(back)[0, 0], (150, 120, 100), atol=2)


def test_adobe_rgb_has_its_primaries_and_gamma():
    """Adobe RGB (1998) 4.3: sRGB (0, 255, 0) is (144, 255, 60) there."""
    green = np.zeros((2, 2, 3), np.uint8)
    green[..., 1] = 255

    content = rendered(eight_bits(green), iccprofile="adobergb").content

    np.testing.assert_allclose(np.asarray(_opened(content))[0, 0], (144, 255, 60), atol=2)


def test_a_profile_that_cannot_be_read_is_passed_over_and_told():
    made = rendered(eight_bits(COLOUR, ICCProfile=b"junk" * 10), iccprofile="yes")

    assert made.notes == ("the stored ICC profile is no RGB profile, so sRGB is assumed",)
    assert _profile(made.content) == well_known("srgb")


@pytest.mark.parametrize("media_type", ["image/gif", "image/jp2"])
def test_types_without_profiles_refuse_them(media_type):
    with pytest.raises(InvalidRendering, match="without a profile"):
        rendered(eight_bits(COLOUR), media_type, iccprofile="yes")

    assert rendered(eight_bits(COLOUR), media_type, iccprofile="no").content
