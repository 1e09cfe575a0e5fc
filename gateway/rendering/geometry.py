"""Where each pixel of an image comes to lie in the picture: cropping, turning, scaling.

PS3.3 C.10.4 (displayed area), C.10.6 (spatial transformation), PS3.18 8.3.5.1.3 (viewport).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image
from pydicom import Dataset

from gateway.rendering.attributes import functional_group, numbers
from gateway.rendering.errors import InvalidRendering
from gateway.rendering.parameters import Region, Viewport

Point = tuple[float, float]

_TURNS = {
    90: Image.Transpose.ROTATE_270,  # Pillow turns the other way round
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Area:
    """A rectangle of an image in pixels, its upper left corner being 0, 0. It may go beyond."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Placement:
    """The part of an image that is shown, how it is turned, and the size of the picture.

    rotation: clockwise, 0, 90, 180 or 270 degrees; flips come after it.
    """

    area: Area
    width: int
    height: int
    rotation: int = 0
    flip_horizontally: bool = False
    flip_vertically: bool = False

    def place(self, point: Point) -> Point:
        """A point of the image as a point of the picture."""
        x = (point[0] - self.area.left) / self.area.width
        y = (point[1] - self.area.top) / self.area.height
        x, y = {0: (x, y), 90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}[self.rotation]
        x = 1 - x if self.flip_horizontally else x
        y = 1 - y if self.flip_vertically else y
        return x * self.width, y * self.height

    def apply(self, picture: Image.Image) -> Image.Image:
        """The picture of the whole image made into that of the area. Beyond the image is black."""
        size = (self.width, self.height)
        before = size if self.rotation in (0, 180) else size[::-1]
        picture = _cropped(picture, self.area, before)
        if self.rotation:
            picture = picture.transpose(_TURNS[self.rotation])
        if self.flip_horizontally:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if self.flip_vertically:
            picture = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        return picture


def pixel_aspect(dataset: Dataset, frame: int) -> float:
    """Height of a pixel over its width; 1 where it is not told. Raises ValueError."""
    measures = functional_group(dataset, frame, "PixelMeasuresSequence")
    for source, keyword in (
        (dataset, "PixelAspectRatio"),
        (measures, "PixelSpacing"),
        (dataset, "ImagerPixelSpacing"),
        (dataset, "NominalScannedPixelSpacing"),
    ):
        height, width = (*numbers(source, keyword), 0.0, 0.0)[:2]
        if height > 0 and width > 0:
            return min(max(height / width, 0.02), 50)
    return 1.0


def whole_image(columns: int, rows: int) -> Placement:
    return Placement(Area(0, 0, columns, rows), columns, rows)


def region_of(region: Region, columns: int, rows: int) -> Placement:
    """The region of the image as large as it is. Raises InvalidRendering if it is outside."""
    right = columns if region.width is None else min(columns, region.left + region.width)
    lower = rows if region.height is None else min(rows, region.top + region.height)
    width, height = right - region.left, lower - region.top
    if width <= 0 or height <= 0:
        found = f"a region outside the image of {columns} x {rows}"
        raise InvalidRendering("viewport", found, "a region that touches the image")
    return Placement(
        Area(region.left, region.top, width, height),
        max(1, round(width)),
        max(1, round(height)),
        flip_horizontally=region.flip_horizontally,
        flip_vertically=region.flip_vertically,
    )


def fitted(placement: Placement, viewport: Viewport, aspect: float) -> Placement:
    """As large as the viewport holds it, pixels as wide and high as they are in the patient."""
    width, height = placement.area.width, placement.area.height * aspect
    if placement.rotation in (90, 270):
        width, height = height, width
    scale = min(viewport.width / width, viewport.height / height)
    return replace(
        placement,
        width=min(viewport.width, max(1, round(width * scale))),
        height=min(viewport.height, max(1, round(height * scale))),
    )


def _cropped(picture: Image.Image, area: Area, size: Sequence[int]) -> Image.Image:
    width, height = size
    box = (area.left, area.top, area.left + area.width, area.top + area.height)
    if (width, height) == (area.width, area.height) and all(edge == int(edge) for edge in box):
        return picture if box == (0, 0, *picture.size) else picture.crop(box)
    if box[0] < 0 or box[1] < 0 or box[2] > picture.width or box[3] > picture.height:
        return _beyond(picture, area, (width, height))
    return picture.resize((width, height), Image.Resampling.BILINEAR, box, reducing_gap=3.0)


def _beyond(picture: Image.Image, area: Area, size: tuple[int, int]) -> Image.Image:
    """An area that the image does not fill: the part it fills is scaled and laid on black."""
    across, down = size[0] / area.width, size[1] / area.height
    left, top = max(0.0, area.left), max(0.0, area.top)
    right = min(float(picture.width), area.left + area.width)
    lower = min(float(picture.height), area.top + area.height)
    canvas = Image.new(picture.mode, size)
    if right <= left or lower <= top:
        return canvas
    filled = (max(1, round((right - left) * across)), max(1, round((lower - top) * down)))
    part = picture.resize(filled, Image.Resampling.BILINEAR, (left, top, right, lower))
    canvas.paste(part, (round((left - area.left) * across), round((top - area.top) * down)))
    return canvas
