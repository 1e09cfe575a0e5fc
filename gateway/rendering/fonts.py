"""Text in pictures, in the one font that comes with us: Latin, Greek and Cyrillic letters."""

from functools import lru_cache
from importlib.resources import files

from PIL import Image, ImageDraw, ImageFont

UNDRAWABLE = "(text in a script that cannot be drawn here)"
_FONT = str(files("font_roboto") / "files" / "Roboto-Regular.ttf")
_ALWAYS = frozenset("\n ")

Colour = tuple[int, int, int]


@lru_cache(maxsize=64)
def font(size: int) -> ImageFont.FreeTypeFont:
    """size: height of a line in pixels, about."""
    return ImageFont.truetype(_FONT, size, layout_engine=ImageFont.Layout.BASIC)


def drawable(text: str) -> bool:
    """Whether the font has every letter. What it has not would all look like the same box."""
    return all(_has_glyph(letter) for letter in text)


def width_of(text: str, size: int) -> float:
    return max((font(size).getlength(line) for line in text.split("\n")), default=0)


def height_of(text: str, size: int) -> int:
    return line_height(size) * (text.count("\n") + 1)


def line_height(size: int) -> int:
    return round(size * 1.2)


def draw_text(
    canvas: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, colour: Colour
) -> None:
    """Lines from their upper left corner on, outlined so that they are seen on any ground."""
    outline = (0, 0, 0) if sum(colour) > 3 * 96 else (255, 255, 255)
    for number, line in enumerate(text.split("\n")):
        canvas.text(
            (place[0], place[1] + number * line_height(size)),
            line,
            fill=ink(canvas, colour),
            font=font(size),
            stroke_width=max(1, size // 12),
            stroke_fill=ink(canvas, outline),
        )


def ink(canvas: ImageDraw.ImageDraw, colour: Colour) -> int | Colour:
    """The colour as a canvas takes it; a gray canvas takes gray only."""
    return colour[0] if canvas.mode == "L" else colour


@lru_cache(maxsize=4096)
def _has_glyph(letter: str) -> bool:
    return letter in _ALWAYS or (letter.isprintable() and _shape(letter) != _shape("\uffff"))


def _shape(letter: str) -> bytes:
    canvas = Image.new("L", (64, 64))
    ImageDraw.Draw(canvas).text((16, 16), letter, 255, font(24))
    return canvas.tobytes()
