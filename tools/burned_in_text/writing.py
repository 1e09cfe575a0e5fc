"""Words as scanners, workstations and film labels write them, drawn in several fonts and sizes."""

from functools import lru_cache
from importlib.resources import files

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_ROBOTO = files("font_roboto") / "files"
FONTS = tuple(
    str(_ROBOTO / f"Roboto-{style}.ttf")
    for style in ("Regular", "Bold", "Light", "Black", "LightItalic", "Thin")
)
HELD_OUT_FONTS = tuple(  # never trained on
    str(_ROBOTO / f"Roboto-{style}.ttf") for style in ("Medium", "Italic")
)
EM_PIXELS = (9, 30)

_SURNAMES = (
    "DOE", "ROSSI", "GARCIA", "MÜLLER", "CHEN", "IVANOVA", "SMITH", "SILVA", "KOWALSKI", "DUBOIS",
    "NGUYEN", "HANSEN",
)  # fmt: skip
_NAMES = ("JANE", "MARIO", "ANA", "KARL", "WEI", "OLGA", "JOHN", "JOAO", "EWA", "LUC", "NINA")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_PLACES = ("CITY HOSPITAL", "MED CTR", "Radiology", "St. Mary", "Klinikum", "Dept. 4", "ROOM 2")
_SETTINGS = (
    "MI 0.8", "TIS 0.4", "GAIN 62", "2D G", "FR 41Hz", "DR 60", "12 cm", "C5-1", "kV 120",
    "mAs 2.5", "W:400 L:40", "Zoom 1.5", "AP PORTABLE", "Semi-Upright", "PA ERECT", "LAT", "IM: 4",
    "SE 2/14", "LIVER LONG", "RT KIDNEY", "BPD 4.52cm", "EF 61%", "HR 72 bpm", "LV 4C", "16CM",
    "PRF 4kHz",
)  # fmt: skip


def phrase(rng: np.random.Generator) -> str:
    """Something that is written on images: a name, a date, a number, a setting."""
    year, month, day = rng.integers(1925, 2030), rng.integers(1, 13), rng.integers(1, 29)
    number = int(rng.integers(10, 10 ** int(rng.integers(2, 10))))
    surname, name = rng.choice(_SURNAMES), rng.choice(_NAMES)
    kinds = (
        f"{surname}, {name}",
        f"{surname.title()} {name.title()}",
        f"{surname}^{name} [{rng.choice(['M', 'F'])}]",
        f"DOB: {month:02}.{day:02}.{year}",
        f"{day:02}/{month:02}/{year}",
        f"{year}-{month:02}-{day:02}",
        f"{day:02} {_MONTHS[month - 1]} {year % 100:02}",
        f"{rng.integers(24):02}:{rng.integers(60):02}:{rng.integers(60):02}",
        f"ID: {number}",
        f"{number}",
        f"ACC {number}",
        f"{rng.integers(100)}.{rng.integers(10)} {rng.choice(['cm', 'mm', 'MHz', '%', 'dB'])}",
        str(rng.choice(_PLACES)),
        str(rng.choice(_SETTINGS)),
        f"{rng.choice(_SETTINGS)}  {rng.choice(_SETTINGS)}",
    )
    words = str(kinds[rng.integers(len(kinds))])
    return words.upper() if rng.random() < 0.4 else words


def written(
    rng: np.random.Generator, fonts: tuple[str, ...], em_pixels: tuple[int, int]
) -> np.ndarray:
    """A phrase in one of the fonts, or as old scanners write, now and then a little stretched.

    em_pixels: smallest and largest size of the font. Gives how far each pixel is covered with
    ink: float32 from 0 to 1, (rows, columns), cut to the letters.
    """
    em = int(np.exp(rng.uniform(*np.log(em_pixels))))
    if rng.random() < 0.3:
        cover = _console(phrase(rng), 1 if em < 16 else 2)
    else:
        cover = _drawn(phrase(rng), str(rng.choice(fonts)), em, rng.random() < 0.15)
    return _resampled(cover, rng)


def _drawn(words: str, font: str, em: int, spaced: bool) -> np.ndarray:
    face = _face(font, em)
    if spaced:
        words = " ".join(words)
    return _cover(words, face)


def _console(words: str, factor: int) -> np.ndarray:
    """In the bitmap font of Pillow, whose pixels look like those of old scanners."""
    words = words.encode("latin-1", "replace").decode("latin-1")
    cover = _cover(words, ImageFont.load_default_imagefont())
    return np.kron(cover, np.ones((factor, factor), np.float32))


@lru_cache(maxsize=256)
def _face(font: str, em: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font, em)


def _cover(words: str, face: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> np.ndarray:
    left, top, right, bottom = (int(edge) for edge in face.getbbox(words))
    image = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(image).text((1 - left, 1 - top), words, fill=255, font=face)
    cover = np.asarray(image, np.float32) / 255
    rows, columns = (np.flatnonzero((cover > 0.3 * cover.max()).any(axis=axis)) for axis in (1, 0))
    return cover[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _resampled(cover: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Some of the writing has other proportions than the font, or was scaled with the image."""
    if rng.random() > 0.3:
        return cover
    rows, columns = cover.shape
    size = (
        max(4, int(columns * rng.uniform(0.85, 1.25))),
        max(6, int(rows * rng.uniform(0.9, 1.15))),
    )
    image = Image.fromarray((cover * 255).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32) / 255
