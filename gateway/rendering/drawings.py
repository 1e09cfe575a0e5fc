"""Graphics and text that a presentation state lays over an image: PS3.3 C.10.5."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from gateway.rendering.fonts import Colour, draw_text, height_of, ink, width_of
from gateway.rendering.geometry import Placement, Point

_CROSS = 4  # pixels from the middle of a point to the ends of its mark
_STEPS = 16  # of a curve between two points
_SMALLEST_TEXT, _LARGEST_TEXT = 9, 64
_LINES_ON_A_PICTURE = 32


@dataclass(frozen=True)
class Shape:
    """kind: POINT, POLYLINE, INTERPOLATED, CIRCLE or ELLIPSE.

    in_pixels: points are pixels of the image; else shares of the picture's width and height.
    thickness: of lines, in pixels of the picture.
    """

    kind: str
    points: tuple[Point, ...]
    in_pixels: bool
    colour: Colour
    is_filled: bool = False
    thickness: float = 1


@dataclass(frozen=True)
class Label:
    """Text in a box, or beside an anchor. Points as those of shapes."""

    text: str
    colour: Colour
    box: tuple[Point, Point] | None = None
    box_in_pixels: bool = False
    anchor: Point | None = None
    anchor_in_pixels: bool = False
    anchor_is_visible: bool = False
    justification: str = "LEFT"


Drawing = Shape | Label


def draw(picture: Image.Image, placement: Placement, drawings: Sequence[Drawing]) -> Image.Image:
    """The picture with the drawings on it, the first lowest."""
    if not drawings:
        return picture
    is_gray = all(len(set(drawing.colour)) == 1 for drawing in drawings)
    drawn = picture.copy() if is_gray or picture.mode == "RGB" else picture.convert("RGB")
    canvas = ImageDraw.Draw(drawn)
    for drawing in drawings:
        if isinstance(drawing, Shape):
            _draw_shape(canvas, placement, drawing)
        else:
            _draw_label(canvas, placement, drawing)
    return drawn


def _draw_shape(canvas: ImageDraw.ImageDraw, placement: Placement, shape: Shape) -> None:
    points = [_placed(placement, point, in_pixels=shape.in_pixels) for point in shape.points]
    colour = ink(canvas, shape.colour)
    width = max(1, round(shape.thickness))
    if shape.kind == "POINT":
        for x, y in points:
            canvas.line((x - _CROSS, y, x + _CROSS, y), colour, width)
            canvas.line((x, y - _CROSS, x, y + _CROSS), colour, width)
        return
    line = _OUTLINES[shape.kind](points)
    is_closed = len(line) > 3 and math.dist(line[0], line[-1]) < 1e-3
    if shape.is_filled and is_closed:
        canvas.polygon(line, colour)
    canvas.line(line, colour, width, joint="curve")


def _draw_label(canvas: ImageDraw.ImageDraw, placement: Placement, label: Label) -> None:
    anchor = None
    if label.anchor is not None:
        anchor = _placed(placement, label.anchor, in_pixels=label.anchor_in_pixels)
    size = _text_size(placement, label)
    left, top = _text_corner(placement, label, anchor, size)
    if anchor is not None and label.anchor_is_visible:
        right, lower = left + width_of(label.text, size), top + height_of(label.text, size)
        nearest = (min(max(anchor[0], left), right), min(max(anchor[1], top), lower))
        canvas.line((*anchor, *nearest), ink(canvas, label.colour), 1)
    draw_text(canvas, (left, top), label.text, size, label.colour)


def _text_size(placement: Placement, label: Label) -> int:
    """As large as the box holds it, within what can be read and what leaves the image seen."""
    size = min(_LARGEST_TEXT, max(_SMALLEST_TEXT, placement.height // _LINES_ON_A_PICTURE))
    room = (float(placement.width), float(placement.height))
    if label.box is not None:
        (left, top), (right, lower) = _box(placement, label)
        room = (max(1.0, right - left), max(1.0, lower - top))
    fills = max(width_of(label.text, size) / room[0], height_of(label.text, size) / room[1], 1)
    return max(_SMALLEST_TEXT, int(size / fills))


def _text_corner(placement: Placement, label: Label, anchor: Point | None, size: int) -> Point:
    width, height = width_of(label.text, size), height_of(label.text, size)
    if label.box is not None:
        (left, top), (right, _) = _box(placement, label)
        spare = max(0.0, right - left - width)
        left += {"RIGHT": spare, "CENTER": spare / 2}.get(label.justification, 0.0)
    else:
        x, y = anchor or (0.0, 0.0)
        left, top = x + _CROSS + 2, y - height / 2
    return (
        min(max(left, 0), max(0, placement.width - width)),
        min(max(top, 0), max(0, placement.height - height)),
    )


def _box(placement: Placement, label: Label) -> tuple[Point, Point]:
    corners = [
        _placed(placement, corner, in_pixels=label.box_in_pixels) for corner in label.box or ()
    ]
    (x0, y0), (x1, y1) = corners
    return (min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1))


def _placed(placement: Placement, point: Point, *, in_pixels: bool) -> Point:
    x, y = point
    if in_pixels:
        x, y = placement.place(point)
    else:
        x, y = x * placement.width, y * placement.height
    # Far outside is as good as anywhere outside, and Pillow counts in 32 bits.
    return min(max(x, -1e5), 1e5), min(max(y, -1e5), 1e5)


def _straight(points: Sequence[Point]) -> list[Point]:
    return list(points)


def _smooth(points: Sequence[Point]) -> list[Point]:
    """A Catmull-Rom curve through the points; the standard leaves its kind open."""
    if len(points) < 3:
        return list(points)
    is_closed = points[0] == points[-1]
    before, after = (points[-2], points[1]) if is_closed else (points[0], points[-1])
    knots = np.array([before, *points, after])
    steps = np.linspace(0, 1, _STEPS, endpoint=False)[:, None]
    line: list[Point] = []
    for p0, p1, p2, p3 in zip(knots, knots[1:], knots[2:], knots[3:], strict=False):
        bent = 2 * p0 - 5 * p1 + 4 * p2 - p3
        turned = 3 * p1 - p0 - 3 * p2 + p3
        piece = 0.5 * (2 * p1 + (p2 - p0) * steps + bent * steps**2 + turned * steps**3)
        line += [(float(x), float(y)) for x, y in piece]
    return [*line, points[-1]]


def _circle(points: Sequence[Point]) -> list[Point]:
    """The middle and one point on the line."""
    middle, edge = points[:2]
    radius = math.dist(middle, edge)
    return _ellipse_of(middle, (radius, 0.0), (0.0, radius))


def _ellipse(points: Sequence[Point]) -> list[Point]:
    """Both ends of the major axis, then both of the minor one."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points[:4]
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    return _ellipse_of(middle, ((x1 - x0) / 2, (y1 - y0) / 2), ((x3 - x2) / 2, (y3 - y2) / 2))


def _ellipse_of(middle: Point, major: Point, minor: Point) -> list[Point]:
    angles = np.linspace(0, 2 * math.pi, 181)
    return [
        (
            middle[0] + major[0] * math.cos(angle) + minor[0] * math.sin(angle),
            middle[1] + major[1] * math.cos(angle) + minor[1] * math.sin(angle),
        )
        for angle in angles
    ]


POINTS_NEEDED = {"POINT": 1, "POLYLINE": 2, "INTERPOLATED": 2, "CIRCLE": 2, "ELLIPSE": 4}
_OUTLINES = {
    "POLYLINE": _straight,
    "INTERPOLATED": _smooth,
    "CIRCLE": _circle,
    "ELLIPSE": _ellipse,
}
