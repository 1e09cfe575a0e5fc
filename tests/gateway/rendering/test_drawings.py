"""Graphics and text of presentation states: where they come to lie, and in which colour."""

import numpy as np
import pytest
from highdicom.color import CIELabColor
from pydicom import Dataset

from gateway.retrieve.errors import UnusablePixelData
from tests.gateway.rendering.example_images import eight_bits, item, rendered, shown
from tests.gateway.rendering.example_states import area, state

BLACK = np.zeros((100, 120))
EIGHT = eight_bits(BLACK)


def _graphic(kind: str, *points: tuple[float, float], units: str = "PIXEL", **more: object):
    flat = [number for point in points for number in point]
    return item(
        GraphicType=kind,
        GraphicAnnotationUnits=units,
        GraphicDimensions=2,
        NumberOfGraphicPoints=len(points),
        GraphicData=flat,
        GraphicFilled=more.pop("filled", "N"),
        **more,
    )


def _annotated(*graphics: Dataset, texts: tuple[Dataset, ...] = (), **attributes: object):
    annotation = item(GraphicLayer="A")
    if graphics:
        annotation.GraphicObjectSequence = list(graphics)
    if texts:
        annotation.TextObjectSequence = list(texts)
    layer = item(GraphicLayer="A", GraphicLayerOrder=1)
    values = {"GraphicLayerSequence": [layer], "GraphicAnnotationSequence": [annotation]}
    return state(EIGHT, **{**values, **attributes})


def _lit(presentation: Dataset, **query: str) -> np.ndarray:
    picture = shown(EIGHT, state=presentation, **query)
    return (picture if picture.ndim == 2 else picture.max(axis=2)) > 60


def _bounds(lit: np.ndarray) -> tuple[int, int, int, int]:
    """left, top, right, bottom of what is lit."""
    rows, columns = np.nonzero(lit)
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_a_polyline_runs_through_its_points():
    lit = _lit(_annotated(_graphic("POLYLINE", (10, 20), (50, 20), (50, 70))))

    assert lit[20, 10:51].all()
    assert lit[20:71, 50].all()
    assert _bounds(lit) == (10, 20, 50, 70)


def test_a_filled_polyline_is_filled():
    square = [(10, 20), (50, 20), (50, 60), (10, 60), (10, 20)]

    assert _lit(_annotated(_graphic("POLYLINE", *square, filled="Y")))[21:60, 11:50].all()
    assert not _lit(_annotated(_graphic("POLYLINE", *square)))[25:55, 15:45].any()


def test_a_circle_has_its_radius():
    lit = _lit(_annotated(_graphic("CIRCLE", (60, 50), (80, 50))))

    np.testing.assert_allclose(_bounds(lit), (40, 30, 80, 70), atol=1)
    assert not lit[45:55, 55:65].any()


def test_an_ellipse_has_both_its_axes():
    graphic = _graphic("ELLIPSE", (20, 50), (100, 50), (60, 40), (60, 60))

    np.testing.assert_allclose(_bounds(_lit(_annotated(graphic))), (20, 40, 100, 60), atol=1)


def test_a_curve_runs_through_its_points():
    points = [(10, 50), (40, 20), (70, 50), (100, 80)]
    lit = _lit(_annotated(_graphic("INTERPOLATED", *points)))

    for x, y in points:
        assert lit[y - 1 : y + 2, x - 1 : x + 2].any()
    assert lit.any(axis=0)[10:101].all()


def test_a_point_is_marked():
    lit = _lit(_annotated(_graphic("POINT", (60, 50))))

    assert lit[50, 60]
    assert _bounds(lit) == (56, 46, 64, 54)


def test_display_units_are_shares_of_what_is_shown():
    shown_area = [area([21, 11], [60, 50])]
    graphic = _graphic("POLYLINE", (0.25, 0.5), (0.75, 0.5), units="DISPLAY")

    lit = _lit(_annotated(graphic, DisplayedAreaSelectionSequence=shown_area))

    assert lit.shape == (40, 40)
    assert _bounds(lit) == (10, 20, 30, 20)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ({"ImageRotation": 90}, (100 - 20, 10, 100 - 20, 50)),
        ({"ImageRotation": 180}, (120 - 50, 100 - 20, 120 - 10, 100 - 20)),
        ({"ImageRotation": 270}, (20, 120 - 50, 20, 120 - 10)),
        ({"ImageHorizontalFlip": "Y"}, (120 - 50, 20, 120 - 10, 20)),
    ],
)
def test_graphics_turn_with_the_image(turn, expected):
    lit = _lit(_annotated(_graphic("POLYLINE", (10, 20), (50, 20)), **turn))

    np.testing.assert_allclose(_bounds(lit), expected, atol=1)


def test_graphics_grow_with_the_viewport():
    lit = _lit(_annotated(_graphic("POLYLINE", (10, 20), (50, 20))), viewport="240,240")

    np.testing.assert_allclose(_bounds(lit), (20, 40, 100, 40), atol=1)


def test_a_layer_has_its_colour_and_a_higher_one_lies_over_a_lower_one():
    def layer(name: str, order: int, *colour: int) -> Dataset:
        lab = list(CIELabColor.from_rgb(*colour).value)
        return item(
            GraphicLayer=name,
            GraphicLayerOrder=order,
            GraphicLayerRecommendedDisplayCIELabValue=lab,
        )

    line = _graphic("POLYLINE", (10, 20), (50, 20))
    presentation = state(
        EIGHT,
        GraphicLayerSequence=[layer("TOP", 2, 255, 0, 0), layer("LOW", 1, 0, 255, 0)],
        GraphicAnnotationSequence=[
            item(GraphicLayer="TOP", GraphicObjectSequence=[line]),
            item(
                GraphicLayer="LOW",
                GraphicObjectSequence=[line, _graphic("POLYLINE", (10, 40), (50, 40))],
            ),
        ],
    )

    picture = shown(EIGHT, state=presentation)

    assert picture[20, 30].tolist() == [255, 0, 0]
    assert picture[40, 30].tolist() == [0, 255, 0]


def test_a_line_style_goes_before_the_layer():
    style = item(
        PatternOnColorCIELabValue=list(CIELabColor.from_rgb(0, 0, 255).value), LineThickness=5
    )
    graphic = _graphic("POLYLINE", (10, 20), (50, 20), LineStyleSequence=[style])

    picture = shown(EIGHT, state=_annotated(graphic))

    assert (picture[18:23, 30] == [0, 0, 255]).all()


def _text(written: str, **attributes: object) -> Dataset:
    return item(UnformattedTextValue=written, **attributes)


def test_text_lies_in_its_box():
    box = {
        "BoundingBoxAnnotationUnits": "PIXEL",
        "BoundingBoxTopLeftHandCorner": [30, 40],
        "BoundingBoxBottomRightHandCorner": [110, 70],
        "BoundingBoxTextHorizontalJustification": "LEFT",
    }
    left, top, right, bottom = _bounds(_lit(_annotated(texts=(_text("Nodule", **box),))))

    assert 28 <= left <= 36
    assert right < 110
    assert top >= 38
    assert bottom <= 70


def test_text_stands_beside_its_anchor_and_a_visible_one_has_a_line():
    anchored = {
        "AnchorPointAnnotationUnits": "PIXEL",
        "AnchorPoint": [40, 50],
        "AnchorPointVisibility": "N",
    }
    hidden = _lit(_annotated(texts=(_text("Nodule", **anchored),)))
    anchored["AnchorPointVisibility"] = "Y"
    visible = _lit(_annotated(texts=(_text("Nodule", **anchored),)))

    assert _bounds(hidden)[0] > 42
    assert visible[50, 40]


def test_text_in_a_script_without_letters_here_is_said_to_be():
    anchored = _text("结节", AnchorPointAnnotationUnits="PIXEL", AnchorPoint=[10, 50])

    made = rendered(EIGHT, state=_annotated(texts=(anchored,), SpecificCharacterSet="ISO_IR 192"))

    assert made.notes == ("a text is in a script that cannot be drawn here",)


def test_what_is_left_out_is_told():
    odd = _graphic("SPLINE", (1, 1), (2, 2))
    matrix = _graphic("POLYLINE", (1, 1), (2, 2), units="MATRIX")

    notes = rendered(EIGHT, state=_annotated(odd, matrix)).notes

    assert notes == (
        "a graphic of type SPLINE in units PIXEL is left out",
        "a graphic of type POLYLINE in units MATRIX is left out",
    )


@pytest.mark.parametrize(
    "graphics",
    [
        (_graphic("CIRCLE", (1, 1)),),
        (_graphic("POLYLINE", *[(1.0, 1.0)] * 7000),) * 30,
    ],
)
def test_graphics_that_cannot_be_drawn_are_refused(graphics):
    with pytest.raises(UnusablePixelData, match="how to show"):
        shown(EIGHT, state=_annotated(*graphics))


def test_points_far_outside_do_no_harm():
    lit = _lit(_annotated(_graphic("POLYLINE", (-1e30, 50), (1e30, 50))))

    assert lit[50].all()
