"""Rendered images and thumbnails over HTTP: SC-38 and SC-39."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tests.gateway.rendering.example_images import COLUMNS, ROWS
from tests.gateway.rendering.example_study import LEVELS, SLICES, series_url
from tests.gateway.retrieve_example import get, parts_of

JPEGS = 'multipart/related; type="image/jpeg"'
PNGS = 'multipart/related; type="image/png"'
FILM = series_url(3, 1)


def _picture(url: str, accept: str = "image/png") -> Image.Image:
    response = get(url, accept)
    assert response.status_code == 200, response.text
    return Image.open(BytesIO(response.content))


def _level(picture: Image.Image | bytes) -> int:
    opened = Image.open(BytesIO(picture)) if isinstance(picture, bytes) else picture
    return int(np.asarray(opened.convert("L")).mean().round())


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "image/jpeg"),
        ("*/*", "image/jpeg"),
        ("image/*", "image/jpeg"),
        ("image/png", "image/png"),
        ("image/gif", "image/gif"),
        ("image/jp2", "image/jp2"),
        ("image/webp, image/png;q=0.8, image/jpeg;q=0.5", "image/png"),
    ],
)
def test_sc38_the_wanted_kind_of_picture_is_given(study_url, accept, media_type):
    """SC-38: jpeg, png and gif, at most 8 bits per channel."""
    response = get(f"{study_url}{series_url(2, 1)}/rendered", accept)

    assert response.headers["content-type"] == media_type
    picture = Image.open(BytesIO(response.content))
    assert picture.get_format_mimetype() == media_type
    assert picture.size == (COLUMNS, ROWS)
    assert picture.mode in ("L", "P", "RGB")


@pytest.mark.parametrize("accept", ["text/html", "image/webp", "application/dicom+json"])
def test_another_kind_is_refused(study_url, accept):
    response = get(f"{study_url}{series_url(2, 1)}/rendered", accept)

    assert response.status_code == 406
    assert "image/jpeg" in response.json()["detail"]


def test_the_accept_parameter_goes_before_the_header(study_url):
    response = get(f"{study_url}{series_url(2, 1)}/rendered?accept=image/png", "image/jpeg")

    assert response.headers["content-type"] == "image/png"


def test_sc38_the_parameters_change_the_picture(study_url):
    """SC-38: window, viewport and quality change output."""
    url = f"{study_url}{series_url(2, 1)}/rendered"

    assert _level(_picture(url)) == pytest.approx(LEVELS[0], abs=1)
    assert _level(_picture(f"{url}?window=40,2,linear-exact")) == 128
    assert _picture(f"{url}?viewport=300,300").size == (300, 200)
    low, high = (get(f"{url}?quality={q}&viewport=600,600") for q in (5, 95))
    assert len(low.content) < len(high.content)


@pytest.mark.parametrize("level", ["", series_url(2)])
def test_a_plain_picture_of_a_series_or_study_is_its_middle_slice(study_url, level):
    response = get(f"{study_url}{level}/rendered", "image/png")

    assert _level(response.content) == pytest.approx(LEVELS[2], abs=1)
    place = response.headers["content-location"]
    assert place == f"{study_url}{series_url(2, 3)}/frames/1/rendered"


def test_a_series_in_parts_has_one_for_every_instance(study_url):
    """SC-38"""
    response = get(f"{study_url}{series_url(2)}/rendered?window=128,256,linear", PNGS)

    found = parts_of(response)
    assert [_level(body) for _, body in found] == pytest.approx(LEVELS, abs=1)
    assert {fields["Content-Type"] for fields, _ in found} == {"image/png"}
    assert [fields["Content-Location"] for fields, _ in found] == [
        f"{study_url}{series_url(2, number)}/frames/1/rendered" for number in range(1, SLICES + 1)
    ]


def test_a_study_in_parts_has_every_frame_and_says_what_it_leaves_out(study_url):
    response = get(f"{study_url}/rendered", JPEGS)

    found = parts_of(response)
    # 5 slices, 2 frames, the state's first image, and words for what cannot be decoded
    assert len(found) == SLICES + 2 + 1 + 1
    assert {fields["Content-Type"] for fields, _ in found} == {"image/jpeg"}
    warnings = response.headers.get_list("warning")
    assert any("5 instance(s) that cannot be so rendered are left out" in each for each in warnings)


def test_a_part_that_cannot_be_decoded_says_so_in_its_picture(study_url):
    ((_, body),) = parts_of(get(f"{study_url}{series_url(9)}/rendered", PNGS))

    picture = np.asarray(Image.open(BytesIO(body)))
    assert picture.shape == (256, 256)
    assert (picture > 200).mean() > 0.01


def test_alone_what_cannot_be_decoded_is_refused(study_url):
    for accept in ("image/png", PNGS):
        response = get(f"{study_url}{series_url(9, 1)}/rendered", accept)

        assert response.status_code == 406
        assert "cannot be decoded" in response.json()["detail"]


def test_each_kind_of_part_is_chosen_for_itself(study_url):
    """PS3.18 8.7.8.1: pictures of images, HTML of reports."""
    accept = f'{JPEGS}, multipart/related; type="text/html"'

    kinds = [fields["Content-Type"] for fields, _ in parts_of(get(f"{study_url}/rendered", accept))]

    assert kinds.count("text/html; charset=utf-8") == 1
    assert kinds.count("image/jpeg") == SLICES + 4


# --- frames ---------------------------------------------------------------------------------------


def test_the_frame_asked_for_is_shown(study_url):
    assert _level(_picture(f"{study_url}{FILM}/frames/1/rendered")) == pytest.approx(0, abs=1)
    assert _level(_picture(f"{study_url}{FILM}/frames/2/rendered")) == 255


@pytest.mark.parametrize("accept", ["", JPEGS, "multipart/related; type=image/jpeg"])
def test_several_frames_come_in_parts_in_the_order_asked_for(study_url, accept):
    found = parts_of(get(f"{study_url}{FILM}/frames/2,1,2/rendered", accept))

    assert [_level(body) for _, body in found] == pytest.approx([255, 0, 255], abs=1)


def test_several_frames_as_one_gif_are_a_film(study_url):
    for resource in (f"{FILM}/frames/1,2/rendered", f"{FILM}/rendered"):
        gif = _picture(f"{study_url}{resource}", "image/gif")

        assert (gif.n_frames, gif.info["duration"]) == (2, 40)


def test_several_frames_are_no_plain_picture(study_url):
    response = get(f"{study_url}{FILM}/frames/1,2/rendered", "image/jpeg")

    assert response.status_code == 406
    assert 'multipart/related; type="image/jpeg"' in response.json()["detail"]


def test_a_multi_frame_instance_in_parts_has_every_frame(study_url):
    found = parts_of(get(f"{study_url}{FILM}/rendered", PNGS))

    assert [_level(body) for _, body in found] == pytest.approx([0, 255], abs=1)


# --- presentation states --------------------------------------------------------------------------


def test_a_presentation_state_shows_its_images_as_it_says(study_url):
    """SC-38. Window 80, 161 instead of the images' own 128, 256."""
    url = f"{study_url}{series_url(90, 1)}/rendered"
    expected = [(LEVELS[number] / 160) * 255 for number in (1, 3)]

    single = get(url, "image/png")
    parts = parts_of(get(url, PNGS))

    assert _level(single.content) == pytest.approx(expected[0], abs=2)
    assert [_level(body) for _, body in parts] == pytest.approx(np.clip(expected, 0, 255), abs=2)
    assert "1 referenced image(s) are not stored here" in single.headers["warning"]


@pytest.mark.parametrize("query", ["window=1,2,linear", "viewport=9,9,0,0,5,5"])
def test_what_a_presentation_state_does_not_take_is_refused(study_url, query):
    """PS3.18 8.3.5.1.3 and 8.3.5.1.4."""
    response = get(f"{study_url}{series_url(90, 1)}/rendered?{query}")

    assert response.status_code == 400


# --- thumbnails -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", series_url(2), series_url(2, 2), f"{FILM}/frames/2"])
def test_sc39_thumbnails_are_small_jpegs_at_every_level(study_url, path):
    """SC-39: /thumbnail at study, series, instance, frame."""
    response = get(f"{study_url}{path}/thumbnail")

    picture = Image.open(BytesIO(response.content))
    assert picture.format == "JPEG"
    assert max(picture.size) == 256
    assert _picture(f"{study_url}{path}/thumbnail?viewport=64,64").size == (64, 43)


def test_sc39_the_thumbnail_of_a_study_shows_an_acquired_image(study_url):
    """SC-39"""
    assert _level(_picture(f"{study_url}/thumbnail")) == pytest.approx(LEVELS[2], abs=1)


@pytest.mark.parametrize("series", [4, 5, 7, 8])
def test_sc39_what_has_no_picture_has_an_icon(study_url, series):
    """SC-39: a worklist need not know what is behind a thumbnail."""
    picture = np.asarray(_picture(f"{study_url}{series_url(series, 1)}/thumbnail").convert("L"))

    assert picture.shape == (256, 256)
    assert len(np.unique(picture)) > 10


def test_a_thumbnail_is_given_again_from_memory(study_url):
    url = f"{study_url}{series_url(2, 4)}/thumbnail?viewport=50,50"

    assert get(url).content == get(url).content


def test_thumbnails_take_one_part_only(study_url):
    assert get(f"{study_url}/thumbnail", JPEGS).status_code == 406


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (series_url(8, 1) + "/rendered", 406),
        (series_url(8) + "/rendered", 406),
        (series_url(2, 1) + "/frames/2/rendered", 404),
        (series_url(2, 1) + "/frames/0/thumbnail", 404),
        (series_url(2, 1) + "/frames/1,2/rendered", 404),
        (series_url(2, 1) + "/frames/1,/rendered", 400),
        (series_url(2, 1) + "/frames/1,2/thumbnail", 400),
        (series_url(4, 1) + "/frames/1/rendered", 404),
        (series_url(2, 9) + "/rendered", 404),
        (series_url(2, 1) + "/rendered?window=1", 400),
        (series_url(2, 1) + "/rendered?viewport=9000,9", 400),
        (series_url(2, 1) + "/rendered?iccprofile=yes&accept=image/gif", 400),
    ],
)
def test_what_cannot_be_shown_says_why(study_url, path, status):
    response = get(f"{study_url}{path}")

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]
