"""Pictures for what has none: thumbnails of documents, and words where a frame should be."""

import textwrap

from PIL import Image, ImageDraw

from gateway.rendering.fonts import draw_text, drawable, height_of, width_of

_GROUND, _PAGE, _INK = (24, 28, 34), (226, 231, 238), (70, 80, 95)
_LARGEST_PLACEHOLDER = 512


def icon(modality: str, width: int, height: int) -> Image.Image:
    """A page with the modality on it, such as SR; the same for every patient."""
    side = min(width, height)
    picture = Image.new("RGB", (side, side), _GROUND)
    canvas = ImageDraw.Draw(picture)
    page = (side * 0.2, side * 0.1, side * 0.8, side * 0.9)
    canvas.rounded_rectangle(page, side * 0.05, _PAGE)
    for line in range(4):
        y = side * (0.58 + 0.07 * line)
        canvas.line((side * 0.3, y, side * 0.7, y), _INK, max(1, side // 80))
    name = modality if modality and drawable(modality) else "DICOM"
    size = max(6, round(side * 0.2))
    while size > 6 and width_of(name, size) > side * 0.5:
        size -= 1
    place = ((side - width_of(name, size)) / 2, side * 0.2)
    draw_text(canvas, place, name, size, _INK)
    return picture


def placeholder(reason: str, width: int, height: int) -> Image.Image:
    """The words in place of a frame that cannot be shown among others that can."""
    size = (min(width, _LARGEST_PLACEHOLDER), min(height, _LARGEST_PLACEHOLDER))
    picture = Image.new("L", size)
    said = textwrap.fill(f"Not shown: {reason}", max(8, size[0] // 7))
    letters = 12
    while letters > 6 and height_of(said, letters) > size[1] - 8:
        letters -= 1
    if drawable(said):
        draw_text(ImageDraw.Draw(picture), (4, 4), said, letters, (255, 255, 255))
    return picture
