"""What the gateway writes itself is shown whole: its presentation state and its segmentation."""

from io import BytesIO

import numpy as np
from PIL import Image

from gateway.rendering.frame import Order, render
from gateway.rendering.parameters import Rendering, Viewport
from gateway.rendering.presentation import PresentationState
from gateway.retrieve.pixels import StoredPixels
from standards.derived import part10
from standards.gsps import presentation_state
from standards.part10 import read_header
from standards.seg import segmentation
from tests.gateway.index_helper import written
from tests.series import KEY_SLICE, small_result


def _near(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(picture.astype(int) - colour).max(axis=2) <= 3


def test_our_presentation_state_is_applied_with_nothing_left_out():
    result = small_result()
    dataset = read_header(part10(presentation_state(result))).dataset
    header = result.analysis.source[KEY_SLICE]
    header.PixelData = np.full(header.Rows * header.Columns, 1000, "<u2").tobytes()
    image = StoredPixels(written(header), "")
    state = PresentationState(dataset)

    made = render(Order(image, 1, Rendering(viewport=Viewport(400, 400)), state), "image/png")

    assert made.notes == ()
    picture = np.asarray(Image.open(BytesIO(made.content)))
    for structure in result.findings.label_map.structures:
        assert _near(picture, structure.colour).sum() > 20


def test_our_segments_have_the_colours_of_their_structures():
    result = small_result()
    seg = StoredPixels(part10(segmentation(result)), "")
    colours = {structure.colour for structure in result.findings.label_map.structures}

    shown = set()
    for frame in range(1, seg.number_of_frames + 1):
        made = render(Order(seg, frame, Rendering()), "image/png")
        picture = np.asarray(Image.open(BytesIO(made.content)).convert("RGB"))
        shown |= {colour for colour in colours if _near(picture, colour).any()}

    assert shown == colours
