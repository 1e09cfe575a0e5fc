"""Reading the graphics and text of a presentation state: PS3.3 C.10.5 and C.10.7."""

from collections.abc import Iterator

from pydicom import Dataset

from gateway.rendering.attributes import items, number, numbers, text
from gateway.rendering.cielab import rgb_of_cielab
from gateway.rendering.drawings import POINTS_NEEDED, Colour, Drawing, Label, Shape
from gateway.rendering.fonts import UNDRAWABLE, drawable
from gateway.rendering.geometry import Point

WHITE: Colour = (255, 255, 255)
MOST_DRAWINGS = 2000
MOST_POINTS = 200_000
_LONGEST_TEXT = 1024  # ST
_P_VALUES = 65535


def layer_colours(state: Dataset) -> dict[str, Colour]:
    """The layers of a presentation state, the lowest first, and the colour of each."""
    layers = sorted(
        items(state, "GraphicLayerSequence"),
        key=lambda layer: number(layer, "GraphicLayerOrder") or 0,
    )
    return {text(layer, "GraphicLayer"): _layer_colour(layer) for layer in layers}


def drawings_of(state: Dataset, annotations: list[Dataset], notes: list[str]) -> list[Drawing]:
    """What the annotations draw, the lowest layer first.

    annotations: the items of the Graphic Annotation Sequence that belong to the image.
    Raises ValueError for graphics without their points, and for more than can be drawn.
    """
    colours = layer_colours(state)
    order = {name: place for place, name in enumerate(colours)}
    annotations = sorted(
        annotations, key=lambda item: order.get(text(item, "GraphicLayer"), len(order))
    )
    drawings: list[Drawing] = []
    points = 0
    for item in annotations:
        colour = colours.get(text(item, "GraphicLayer"), WHITE)
        for drawing in (*_shapes(item, colour, notes), *_labels(item, colour, notes)):
            drawings.append(drawing)
            points += len(drawing.points) if isinstance(drawing, Shape) else 1
            if len(drawings) > MOST_DRAWINGS or points > MOST_POINTS:
                raise ValueError(f"more than {MOST_DRAWINGS} graphics or {MOST_POINTS} points")
        if items(item, "CompoundGraphicSequence"):
            notes.append("compound graphics are left out")
    return drawings


def _shapes(item: Dataset, colour: Colour, notes: list[str]) -> Iterator[Shape]:
    for graphic in items(item, "GraphicObjectSequence"):
        kind = text(graphic, "GraphicType")
        units = text(graphic, "GraphicAnnotationUnits")
        if kind not in POINTS_NEEDED or units not in ("PIXEL", "DISPLAY"):
            notes.append(f"a graphic of type {kind[:16]} in units {units[:16]} is left out")
            continue
        places = numbers(graphic, "GraphicData")
        points = tuple(zip(places[::2], places[1::2], strict=False))
        if len(points) < POINTS_NEEDED[kind]:
            raise ValueError(f"a graphic of type {kind} with {len(points)} points")
        line = next(iter(items(graphic, "LineStyleSequence")), Dataset())
        yield Shape(
            kind,
            points,
            units == "PIXEL",
            _colour(line, "PatternOnColorCIELabValue") or colour,
            text(graphic, "GraphicFilled") == "Y",
            min(max(number(line, "LineThickness") or 1, 1), 50),
        )


def _labels(item: Dataset, colour: Colour, notes: list[str]) -> Iterator[Label]:
    for label in items(item, "TextObjectSequence"):
        written = text(label, "UnformattedTextValue")[:_LONGEST_TEXT]
        written = written.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
        if not written.strip():
            continue
        if not drawable(written):
            notes.append("a text is in a script that cannot be drawn here")
            written = UNDRAWABLE
        units = (
            text(label, "BoundingBoxAnnotationUnits"),
            text(label, "AnchorPointAnnotationUnits"),
        )
        if "MATRIX" in units:
            notes.append("a text placed on the total pixel matrix is left out")
            continue
        style = next(iter(items(label, "TextStyleSequence")), Dataset())
        corners = (
            _point(label, "BoundingBoxTopLeftHandCorner"),
            _point(label, "BoundingBoxBottomRightHandCorner"),
        )
        anchor = _point(label, "AnchorPoint")
        box = (corners[0], corners[1]) if corners[0] and corners[1] else None
        if box is None and anchor is None:
            raise ValueError("a text without bounding box and anchor point")
        yield Label(
            written,
            _colour(style, "TextColorCIELabValue") or colour,
            box,
            units[0] == "PIXEL",
            anchor,
            units[1] == "PIXEL",
            text(label, "AnchorPointVisibility") == "Y",
            text(label, "BoundingBoxTextHorizontalJustification") or "LEFT",
        )


def _point(source: Dataset, keyword: str) -> Point | None:
    found = numbers(source, keyword)
    return (found[0], found[1]) if len(found) == 2 else None


def _colour(source: Dataset, keyword: str) -> Colour | None:
    found = numbers(source, keyword)
    return rgb_of_cielab(found) if len(found) == 3 else None


def _layer_colour(layer: Dataset) -> Colour:
    """CIELab, else the retired RGB, else the P-Value for gray displays."""
    colour = _colour(layer, "GraphicLayerRecommendedDisplayCIELabValue")
    if colour is not None:
        return colour
    rgb = numbers(layer, "GraphicLayerRecommendedDisplayRGBValue")
    if len(rgb) == 3:
        red, green, blue = (round(min(max(value, 0), _P_VALUES) / _P_VALUES * 255) for value in rgb)
        return red, green, blue
    gray = number(layer, "GraphicLayerRecommendedDisplayGrayscaleValue")
    if gray is None:
        return WHITE
    level = round(min(max(gray, 0), _P_VALUES) / _P_VALUES * 255)
    return level, level, level
