"""One frame from its stored bytes to a picture file."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from gateway.rendering.annotation import annotate
from gateway.rendering.attributes import functional_group, number, text
from gateway.rendering.drawings import draw
from gateway.rendering.encoding import encoded, quality_note
from gateway.rendering.errors import TooLargeToRender
from gateway.rendering.grayscale import modality_of, stored_values, voi_of, whole_range
from gateway.rendering.icc import check_embeddable, coloured
from gateway.rendering.look import Look, Source, plain_look, presented_look
from gateway.rendering.parameters import Rendering
from gateway.rendering.presentation import PresentationState
from gateway.retrieve.errors import UnusablePixelData
from gateway.retrieve.pixels import StoredPixels

_COARSE = 40  # pixels of the longer side: burned-in text cannot be read any more
_MOST_SAMPLED = 8  # frames that are looked at to find the range of a film


@dataclass(frozen=True)
class Limits:
    megapixels: int = 100  # of one image, and of one picture made of it

    def check(self, width: int, height: int, what: str) -> None:
        if width * height > self.megapixels * 1_000_000:
            raise TooLargeToRender(f"{what} has {width} x {height} pixels", self.megapixels)


@dataclass(frozen=True)
class Rendered:
    """A file, and in words for people what of the request or the object it does not show.

    media_type: with its charset, where it has one.   headers: what else a browser must know.
    """

    content: bytes
    media_type: str
    notes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """A picture on its way to a file. aspect: height of a pixel over its width."""

    picture: Image.Image
    icc_profile: bytes | None
    aspect: float


@dataclass(frozen=True)
class Order:
    """One frame, and how it is wanted. frame: its number, from 1.

    state: a presentation state that shows the frame.
    value_range: what is black and white where no window says it, shared by a film's frames.
    """

    pixels: StoredPixels
    frame: int
    rendering: Rendering
    state: PresentationState | None = None
    value_range: tuple[float, float] | None = None
    limits: Limits = Limits()


def render(order: Order, media_type: str) -> Rendered:
    """One frame as a picture file of 8 bits per channel.

    media_type:  one of encoding.image_types().
    Raises NoSuchFrame, NotDecodable, UnusablePixelData, InvalidRendering, NotRenderable and
    TooLargeToRender.
    """
    rendering = order.rendering
    check_embeddable(rendering.icc_profile, media_type)
    notes = [*rendering.notes, *quality_note(media_type, rendering.quality)]
    shown = show(order, notes)
    picture, profile = coloured(shown.picture, shown.icc_profile, rendering.icc_profile, notes)
    content = encoded(picture, media_type, rendering.quality, profile, shown.aspect)
    return Rendered(content, media_type, tuple(dict.fromkeys(notes)))


def show(order: Order, notes: list[str]) -> Shown:
    """One frame as a picture, everything drawn. Raises as `render` does."""
    pixels, rendering = order.pixels, order.rendering
    check_size(pixels, order.limits)
    samples = samples_of(pixels, order.frame)
    is_native = not pixels.is_encapsulated
    source = Source(samples, pixels.dataset, order.frame, is_native, order.value_range)
    try:
        look = _look(source, order.state, rendering, notes)
        placement = look.placement
        order.limits.check(placement.width, placement.height, "the picture asked for")
        picture = draw(look.picture(), placement, look.drawings)
        picture = _without_legible_text(picture, source, rendering)
        picture = annotate(picture, pixels.dataset, order.frame, rendering, notes)
    except _NONSENSE as error:
        found = f"the attributes that say how to show them are wrong ({error})"
        raise UnusablePixelData(found) from error
    return Shown(picture, look.icc_profile, look.aspect)


def samples_of(pixels: StoredPixels, frame: int) -> np.ndarray:
    """A decoded frame. Native samples keep the bits that are not the pixel's own, since which
    these are only High Bit says, and old overlays lie there (PS3.5 8.1.1).
    """
    dataset = pixels.dataset
    allocated = dataset.get("BitsAllocated")
    is_gray = (dataset.get("SamplesPerPixel") or 1) == 1 and allocated in (8, 16)
    if pixels.is_encapsulated or not is_gray:
        return pixels.array(frame)
    samples = np.frombuffer(pixels.stored(frame), f"<u{allocated // 8}")
    return samples.reshape(int(dataset.Rows), int(dataset.Columns))


def check_size(pixels: StoredPixels, limits: Limits) -> None:
    """Raises TooLargeToRender before anything is decoded."""
    rows, columns = int(pixels.dataset.get("Rows") or 0), int(pixels.dataset.get("Columns") or 0)
    limits.check(columns, rows, "the image")


def film_range(
    pixels: StoredPixels, frames: Sequence[int], rendering: Rendering
) -> tuple[float, float] | None:
    """What is black and white in all frames of a film alike; None where windows say it."""
    dataset, first = pixels.dataset, frames[0]
    if rendering.window or text(dataset, "PhotometricInterpretation") not in _GRAY:
        return None
    try:
        group = functional_group(dataset, first, "FrameVOILUTSequence")
        if voi_of(group, [], is_signed=bool(number(dataset, "PixelRepresentation"))) is not None:
            return None
        step = max(1, len(frames) // _MOST_SAMPLED)
        looked_at = [samples_of(pixels, frame) for frame in frames[::step][:_MOST_SAMPLED]]
        values: list[np.ndarray] = [stored_values(frame, dataset) for frame in looked_at]
        return whole_range(values, dataset, modality_of(dataset, first, []))
    except _NONSENSE:
        return None  # rendering the frame itself says what is wrong


_GRAY = ("MONOCHROME1", "MONOCHROME2")
_NONSENSE = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    NotImplementedError,
    struct.error,
)


def _look(
    source: Source, state: PresentationState | None, rendering: Rendering, notes: list[str]
) -> Look:
    if state is not None:
        return presented_look(source, state, rendering, notes)
    return plain_look(source, rendering, notes)


def _without_legible_text(
    picture: Image.Image, source: Source, rendering: Rendering
) -> Image.Image:
    """Thumbnails shall not identify the patient (PS3.18 10.4.1.1.4), and pixels may say who it is.

    Where the header says so, the thumbnail is made too coarse to be read.
    """
    says_so = text(source.dataset, "BurnedInAnnotation") == "YES"
    is_label = "LABEL" in text(source.dataset, "ImageType").split("\\")  # of a slide, C.8.12.4.1.1
    if not (rendering.is_thumbnail and (says_so or is_label)):
        return picture
    coarse = picture.copy()
    coarse.thumbnail((_COARSE, _COARSE), Image.Resampling.BOX)
    return coarse.resize(picture.size, Image.Resampling.BILINEAR)
