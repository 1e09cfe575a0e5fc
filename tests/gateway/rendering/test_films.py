"""Multi-frame images as animated GIFs."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset

from gateway.rendering import films
from gateway.rendering.films import animate, film_of, frame_milliseconds
from gateway.rendering.frame import Order
from gateway.rendering.parameters import Rendering
from gateway.retrieve.pixels import StoredPixels
from tests.gateway.index_helper import written
from tests.gateway.rendering.example_images import eight_bits, image, item

LEVELS = (0, 60, 120, 250)


def _film(**attributes: object) -> Dataset:
    frames = np.concatenate([np.full((20, 30), level) for level in LEVELS])
    return eight_bits(frames, Rows=20, NumberOfFrames=len(LEVELS), **attributes)


def _animated(ds: Dataset, numbers: list[int], notes: list[str] | None = None) -> Image.Image:
    order = Order(StoredPixels(written(ds), ""), 1, Rendering())
    made = animate(order, numbers, [] if notes is None else notes)
    assert made.media_type == "image/gif"
    return Image.open(BytesIO(made.content))


def _levels(gif: Image.Image) -> list[int]:
    found = []
    for number in range(gif.n_frames):
        gif.seek(number)
        found.append(int(np.asarray(gif.convert("L"))[10, 10]))
    return found


def test_every_frame_is_shown_in_order_and_for_ever():
    gif = _animated(_film(), [1, 2, 3, 4])

    assert _levels(gif) == list(LEVELS)
    assert gif.info["loop"] == 0


def test_frames_are_shown_in_the_order_asked_for():
    assert _levels(_animated(_film(), [4, 2, 1])) == [250, 60, 0]


@pytest.mark.parametrize(
    ("attributes", "milliseconds"),
    [
        ({}, 100),
        ({"FrameTime": 40}, 40),
        ({"FrameTime": 40, "CineRate": 10}, 100),
        ({"RecommendedDisplayFrameRate": 20, "CineRate": 10}, 50),
        ({"FrameTimeVector": [0, 30, 50, 40]}, 40),
        ({"CineRate": 0}, 100),
    ],
)
def test_the_pace_is_that_of_the_image(attributes, milliseconds):
    assert frame_milliseconds(_film(**attributes)) == pytest.approx(milliseconds)
    assert _animated(_film(**attributes), [1, 2]).info["duration"] == milliseconds


@pytest.mark.parametrize(("attributes", "shown"), [({"FrameTime": 1}, 20), ({"CineRate": 500}, 20)])
def test_a_pace_that_browsers_cannot_keep_is_slowed_down(attributes, shown):
    assert film_of(_film(**attributes), [1, 2], 600, []).milliseconds == shown


def test_a_film_that_is_too_long_is_thinned_out_at_the_same_pace():
    notes: list[str] = []

    film = film_of(_film(FrameTime=40), range(1, 1001), 600, notes)

    assert len(film.frames) <= films.MOST_FRAMES
    assert film.frames[:3] == (1, 5, 9)
    assert film.milliseconds == 160
    assert notes == ["every 4th frame of 1000 is shown"]


def test_large_frames_are_thinned_out_too():
    film = film_of(_film(), range(1, 101), films.MOST_PIXELS // 10, [])

    assert len(film.frames) == 10


def test_without_a_window_all_frames_have_one_range():
    """Else each would be stretched by itself, and a beating heart would flicker."""
    frames = [np.full((20, 30), level, "<u2") for level in (100, 200, 300)]
    for frame in frames:
        frame[0, 0] = 0
    ds = image(NumberOfFrames=3, PixelData=b"".join(frame.tobytes() for frame in frames))

    assert _levels(_animated(ds, [1, 2, 3])) == [85, 170, 255]


def test_windows_of_frames_are_kept():
    groups = [
        item(FrameVOILUTSequence=[item(WindowCenter=center, WindowWidth=200)])
        for center in (100, 200)
    ]
    ds = image(
        NumberOfFrames=2,
        RescaleIntercept=0,
        PixelData=np.full((2, 20, 30), 150, "<u2").tobytes(),
        PerFrameFunctionalGroupsSequence=groups,
    )

    first, second = _levels(_animated(ds, [1, 2]))

    assert first - second == pytest.approx(128, abs=2)
