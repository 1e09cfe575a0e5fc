"""The query parameters of rendered resources, read and checked: PS3.18 8.3.5.1."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.rendering.errors import InvalidRendering

LARGEST_VIEWPORT = 8192
THUMBNAIL = 256  # pixels, the longer side, when the client does not say
LARGEST_THUMBNAIL = 1024  # no longer a thumbnail, and text burned into the image can be read
ANNOTATIONS = ("patient", "technique")
COLOUR_SPACES = ("no", "yes", "srgb", "adobergb", "rommrgb")
FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?", re.ASCII)
_KEYWORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,30}", re.ASCII)


@dataclass(frozen=True)
class Window:
    """Window Center and Width in modality values, and VOI LUT Function (PS3.3 C.11.2.1.2)."""

    center: float
    width: float
    function: str = "LINEAR"


@dataclass(frozen=True)
class Region:
    """Part of an image in pixels from its upper left corner. None: up to the far edge."""

    left: float = 0
    top: float = 0
    width: float | None = None
    height: float | None = None
    flip_horizontally: bool = False
    flip_vertically: bool = False


@dataclass(frozen=True)
class Viewport:
    """The size that the picture fills without distortion, in pixels."""

    width: int
    height: int
    region: Region = field(default_factory=Region)


@dataclass(frozen=True)
class Rendering:
    """What a client asks for. `notes`: what of it is passed over, for Warning headers.

    quality: of JPEG, 1 to 100; None for the default.   icc_profile: one of COLOUR_SPACES.
    charset: as it was written, for text; None where nothing was.
    is_thumbnail: nothing that identifies the patient may be drawn (PS3.18 10.4.1.1.4).
    """

    window: Window | None = None
    viewport: Viewport | None = None
    quality: int | None = None
    annotation: tuple[str, ...] = ()
    icc_profile: str | None = None
    charset: str | None = None
    is_thumbnail: bool = False
    notes: tuple[str, ...] = ()


def parse_rendering(query: Mapping[str, str]) -> Rendering:
    """The parameters of a rendered resource. Raises InvalidRendering."""
    annotation, unknown = _annotation(query["annotation"]) if "annotation" in query else ((), ())
    told = "The following annotation values are not supported: "
    return Rendering(
        window=_window(query["window"]) if "window" in query else None,
        viewport=_viewport(query["viewport"]) if "viewport" in query else None,
        quality=_quality(query["quality"]) if "quality" in query else None,
        annotation=annotation,
        icc_profile=_icc_profile(query["iccprofile"]) if "iccprofile" in query else None,
        charset=query.get("charset"),
        notes=(told + ", ".join(unknown),) if unknown else (),
    )


def parse_thumbnail(query: Mapping[str, str]) -> Rendering:
    """The parameters of a thumbnail, PS3.18 8.3.5.2: of these only `viewport`, without a region.

    Raises InvalidRendering.
    """
    viewport = Viewport(THUMBNAIL, THUMBNAIL)
    if "viewport" in query:
        viewport = _viewport(query["viewport"])
        without_region(viewport, query["viewport"])
    largest = replace(
        viewport,
        width=min(viewport.width, LARGEST_THUMBNAIL),
        height=min(viewport.height, LARGEST_THUMBNAIL),
    )
    return Rendering(viewport=largest, is_thumbnail=True)


def without_region(viewport: Viewport | None, text: str) -> None:
    """Thumbnails and presentation states take only a size. Raises InvalidRendering."""
    if viewport is not None and viewport.region != Region():
        raise InvalidRendering("viewport", text, "width,height and no region (PS3.18 8.3.5.1.3)")


def _window(text: str) -> Window:
    expected = "center,width,function such as 40,400,linear (linear, linear-exact or sigmoid)"
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3 or not all(_NUMBER.fullmatch(number) for number in parts[:2]):
        raise InvalidRendering("window", text, expected)
    function = FUNCTIONS.get(parts[2].lower().replace("_", "-"))
    if function is None:
        raise InvalidRendering("window", text, expected)
    center, width = float(parts[0]), float(parts[1])
    if width < (1 if function == "LINEAR" else 1e-9):
        raise InvalidRendering("window", text, "a width of 1 or more (PS3.3 C.11.2.1.2)")
    return Window(center, width, function)


def _viewport(text: str) -> Viewport:
    expected = (
        f"width,height in whole pixels up to {LARGEST_VIEWPORT}, "
        "then perhaps x,y,width,height of the region to show"
    )
    items = [item.strip() for item in text.split(",")]
    is_size = all(re.fullmatch(r"[0-9]{1,5}", item) for item in items[:2])
    is_region = all(item == "" or _NUMBER.fullmatch(item) for item in items[2:])
    if not (2 <= len(items) <= 6 and len(items) != 1 and is_size and is_region):
        raise InvalidRendering("viewport", text, expected)
    width, height = int(items[0]), int(items[1])
    if not (width and height and max(width, height) <= LARGEST_VIEWPORT):
        raise InvalidRendering("viewport", text, expected)
    return Viewport(width, height, _region([*items[2:], "", "", "", ""], text))


def _region(items: list[str], text: str) -> Region:
    """Absolute values are places and sizes; a negative size flips (PS3.18 8.3.5.1.3)."""
    left, top, width, height = (float(item) if item else None for item in items[:4])
    if width == 0 or height == 0 or any(abs(number or 0) > 1e6 for number in (left, top)):
        raise InvalidRendering("viewport", text, "a region that is not empty")
    return Region(
        abs(left or 0),
        abs(top or 0),
        None if width is None else abs(width),
        None if height is None else abs(height),
        flip_horizontally=(width or 0) < 0,
        flip_vertically=(height or 0) < 0,
    )


def _quality(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= 100:
        raise InvalidRendering("quality", text, "a whole number from 1 to 100")
    return int(text)


def _annotation(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keywords known here, and the others, which are passed over (PS3.18 8.3.5.1.1)."""
    words = [word.strip().lower() for word in text.split(",")]
    if not all(_KEYWORD.fullmatch(word) for word in words):
        raise InvalidRendering("annotation", text, "patient, technique or both with a comma")
    known = tuple(word for word in ANNOTATIONS if word in words)
    return known, tuple(dict.fromkeys(word for word in words if word not in ANNOTATIONS))


def _icc_profile(text: str) -> str:
    if text.lower() not in COLOUR_SPACES:
        raise InvalidRendering("iccprofile", text, ", ".join(COLOUR_SPACES))
    return text.lower()
