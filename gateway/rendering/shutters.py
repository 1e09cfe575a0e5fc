"""Display shutters: what around the region of interest is covered (PS3.3 C.7.6.11, C.7.6.15)."""

import numpy as np
from PIL import Image, ImageDraw
from pydicom import Dataset

from gateway.rendering.attributes import number, numbers, text
from gateway.rendering.cielab import rgb_of_cielab

LARGEST_P_VALUE = 65535
MOST_VERTICES = 10_000


def shutter_of(
    source: Dataset, shape: tuple[int, int], pixel_aspect: float, bitmap: np.ndarray | None = None
) -> np.ndarray | None:
    """bool, (rows, columns), True where the image is covered; None without a shutter.

    Several shapes leave to be seen what lies inside all of them.
    pixel_aspect: height of a pixel over its width, since a round shutter is round on the display.
    bitmap: the overlay plane that a bitmap shutter names, covered where it is set.
    Raises ValueError for a shape without its measures.
    """
    shapes = [kind.strip() for kind in text(source, "ShutterShape").split("\\") if kind.strip()]
    if not shapes:
        return None
    covered = np.zeros(shape, bool)
    for kind in shapes:
        if kind == "RECTANGULAR":
            covered |= ~_rectangle(source, shape)
        elif kind == "CIRCULAR":
            covered |= ~_circle(source, shape, pixel_aspect)
        elif kind == "POLYGONAL":
            covered |= ~_polygon(source, shape)
        elif kind == "BITMAP" and bitmap is not None:
            covered |= bitmap
        else:
            raise ValueError(f"a shutter of shape {kind[:16]!r} that cannot be drawn")
    return covered


def shutter_gray(source: Dataset) -> int:
    """Brightness of the cover, 0 to 255; black unless it is told."""
    value = number(source, "ShutterPresentationValue") or 0
    return round(min(max(value, 0), LARGEST_P_VALUE) / LARGEST_P_VALUE * 255)


def shutter_colour(source: Dataset) -> tuple[int, int, int]:
    colour = numbers(source, "ShutterPresentationColorCIELabValue")
    gray = shutter_gray(source)
    return rgb_of_cielab(colour) if len(colour) == 3 else (gray, gray, gray)


def _rectangle(source: Dataset, shape: tuple[int, int]) -> np.ndarray:
    """The edges are numbers of columns and rows, from 1, and are still seen."""
    left, right = _edge(source, "LeftVertical"), _edge(source, "RightVertical")
    upper, lower = _edge(source, "UpperHorizontal"), _edge(source, "LowerHorizontal")
    seen = np.zeros(shape, bool)
    seen[max(0, upper - 1) : max(0, lower), max(0, left - 1) : max(0, right)] = True
    return seen


def _edge(source: Dataset, name: str) -> int:
    value = number(source, f"Shutter{name}Edge")
    if value is None:
        raise ValueError(f"a rectangular shutter without its Shutter{name}Edge")
    return int(value)


def _circle(source: Dataset, shape: tuple[int, int], pixel_aspect: float) -> np.ndarray:
    center, radius = (
        numbers(source, "CenterOfCircularShutter"),
        number(source, "RadiusOfCircularShutter"),
    )
    if len(center) != 2 or radius is None:
        raise ValueError("a circular shutter without its center or radius")
    rows = (np.arange(1, shape[0] + 1) - center[0]) * pixel_aspect
    columns = np.arange(1, shape[1] + 1) - center[1]
    return rows[:, None] ** 2 + columns[None, :] ** 2 <= radius**2


def _polygon(source: Dataset, shape: tuple[int, int]) -> np.ndarray:
    vertices = numbers(source, "VerticesOfThePolygonalShutter")
    if not 6 <= len(vertices) <= 2 * MOST_VERTICES or len(vertices) % 2:
        raise ValueError("a polygonal shutter without three vertices")
    corners = [(x - 1, y - 1) for y, x in zip(vertices[::2], vertices[1::2], strict=True)]
    if max(abs(place) for corner in corners for place in corner) > 1e6:
        raise ValueError("a polygonal shutter far outside the image")
    canvas = Image.new("1", (shape[1], shape[0]))
    ImageDraw.Draw(canvas).polygon(corners, fill=1, outline=1)
    return np.asarray(canvas)
