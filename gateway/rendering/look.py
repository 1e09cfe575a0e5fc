"""How one frame is to look: its colours, what lies over them, and where they come to lie.

Two ways lead here: what the image says of itself, and what a presentation state says of it. The
state then stands instead of the image's own attributes (PS3.4 N.2).
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from pydicom import Dataset

from gateway.rendering.attributes import functional_group, number, text
from gateway.rendering.colour import eight_bit_colour
from gateway.rendering.drawings import Drawing
from gateway.rendering.errors import NotRenderable
from gateway.rendering.geometry import (
    Placement,
    fitted,
    pixel_aspect,
    region_of,
    whole_image,
)
from gateway.rendering.grayscale import (
    exact_window,
    is_inverse,
    modality_of,
    range_curve,
    stored_values,
    voi_curve,
    voi_of,
    whole_range,
)
from gateway.rendering.icc import profile_of
from gateway.rendering.overlays import Overlay, activation_layers, overlays_of
from gateway.rendering.palette import Palette, has_coloured_part, palette_of
from gateway.rendering.parameters import Rendering
from gateway.rendering.presentation import COLOUR, PSEUDO_COLOUR, PresentationState
from gateway.rendering.presentation_graphics import drawings_of, layer_colours
from gateway.rendering.segments import is_segmentation, segment_colours
from gateway.rendering.shutters import shutter_colour, shutter_of
from gateway.rendering.tones import Curve, eight_bits, mapped

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True)
class Source:
    """One decoded frame and the header of its image. number: of the frame, from 1.

    has_unused_bits: of native pixel data, whose samples are as they are stored.
    value_range: what is black and white where no window says it, shared by the frames of a film.
    """

    samples: np.ndarray
    dataset: Dataset
    number: int
    has_unused_bits: bool = False
    value_range: tuple[float, float] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.samples.shape[0], self.samples.shape[1]

    @property
    def overlay_bits(self) -> np.ndarray | None:
        return self.samples if self.has_unused_bits else None

    @property
    def is_signed(self) -> bool:
        return bool(number(self.dataset, "PixelRepresentation"))


@dataclass(frozen=True, eq=False)
class Look:
    """pixels: uint8, gray (rows, columns) or colour (rows, columns, 3)."""

    pixels: np.ndarray
    overlays: tuple[tuple[Overlay, Colour], ...]
    covered: np.ndarray | None
    cover: Colour
    placement: Placement
    aspect: float
    drawings: tuple[Drawing, ...]
    icc_profile: bytes | None

    def picture(self) -> Image.Image:
        """The image with its overlays and shutter, cropped, turned and scaled."""
        pixels = self.pixels
        for overlay, colour in self.overlays:
            pixels = _painted(pixels, overlay.marks, colour)
        if self.covered is not None:
            pixels = _painted(pixels, self.covered, self.cover)
        return self.placement.apply(Image.fromarray(pixels))


def plain_look(source: Source, rendering: Rendering, notes: list[str]) -> Look:
    """As the image itself says. Raises ValueError for attributes that make no sense."""
    dataset, (rows, columns) = source.dataset, source.shape
    aspect = pixel_aspect(dataset, source.number)
    placement = whole_image(columns, rows)
    if rendering.viewport is not None:
        placement = region_of(rendering.viewport.region, columns, rows)
        placement = fitted(placement, rendering.viewport, aspect)
    overlays: tuple[tuple[Overlay, Colour], ...] = ()
    if not rendering.is_thumbnail:  # text in them can name the patient
        overlays = tuple((plane, WHITE) for plane in _drawable_overlays(source, notes))
    covered, cover = _own_shutter(source, aspect, notes)
    return Look(
        _plain_pixels(source, rendering, notes),
        overlays,
        covered,
        cover,
        placement,
        aspect if rendering.viewport is None else 1.0,
        (),
        profile_of(dataset),
    )


def presented_look(
    source: Source, state: PresentationState, rendering: Rendering, notes: list[str]
) -> Look:
    """As a presentation state says. Raises ValueError as above, NotRenderable for what does not
    fit together, such as a grayscale state on a colour image.
    """
    dataset, (rows, columns) = source.dataset, source.shape
    image = text(dataset, "SOPInstanceUID")
    aspect = state.aspect(image, source.number) or pixel_aspect(dataset, source.number)
    placement = state.placement(image, source.number, columns, rows, notes)
    if rendering.viewport is not None:
        placement = fitted(placement, rendering.viewport, aspect)
    drawings = drawings_of(state.dataset, state.annotations(image, source.number), notes)
    return Look(
        _presented_pixels(source, state, image, notes),
        _active_overlays(source, state),
        shutter_of(state.dataset, source.shape, aspect, _bitmap_of(state.dataset, source)),
        shutter_colour(state.dataset),
        placement,
        aspect if rendering.viewport is None else 1.0,
        () if rendering.is_thumbnail else tuple(drawings),
        profile_of(state.dataset),
    )


def _drawable_overlays(source: Source, notes: list[str]) -> list[Overlay]:
    try:
        return overlays_of(source.dataset, source.number, source.overlay_bits, source.shape)
    except (ValueError, TypeError) as error:
        notes.append(f"overlays are left out: {error}")
        return []


def _plain_pixels(source: Source, rendering: Rendering, notes: list[str]) -> np.ndarray:
    dataset = source.dataset
    if source.samples.ndim == 3:
        _pass_over_window(rendering, notes)
        return eight_bit_colour(source.samples, dataset)
    values = stored_values(source.samples, dataset)
    if text(dataset, "PhotometricInterpretation") == "PALETTE COLOR":
        _pass_over_window(rendering, notes)
        return mapped(values, palette_of(dataset))
    if is_segmentation(dataset) and rendering.window is None:
        return segment_colours(values, dataset, source.number)
    return _plain_gray(values, source, rendering, notes)


def _plain_gray(
    values: np.ndarray, source: Source, rendering: Rendering, notes: list[str]
) -> np.ndarray:
    """Modality LUT, window or VOI LUT, polarity: PS3.4 N.2.1."""
    dataset = source.dataset
    modality = modality_of(dataset, source.number, notes)
    group = functional_group(dataset, source.number, "FrameVOILUTSequence")
    voi = rendering.window or voi_of(group, notes, is_signed=source.is_signed)
    if voi is not None:
        curve = voi_curve(exact_window(voi) if values.dtype.kind == "f" else voi)
    else:
        curve = range_curve(*(source.value_range or whole_range([values], dataset, modality)))
    inverse = is_inverse(dataset)

    def gray(stored: np.ndarray) -> np.ndarray:
        shares = curve(modality.curve(stored))
        return eight_bits(1 - shares if inverse else shares)

    if text(dataset, "PixelPresentation") in ("COLOR_RANGE", "TRUE_COLOR"):
        notes.append("the enhanced palette is left out; gray values are shown")
    if has_coloured_part(dataset):
        return mapped(values, _coloured_above(palette_of(dataset), gray))
    return mapped(values, gray)


def _coloured_above(palette: Palette, gray: Curve) -> Curve:
    def colours(stored: np.ndarray) -> np.ndarray:
        shown = np.repeat(gray(stored)[:, None], 3, axis=1)
        is_coloured = stored >= palette.first
        shown[is_coloured] = palette(stored[is_coloured])
        return shown

    return colours


def _presented_pixels(
    source: Source, state: PresentationState, image: str, notes: list[str]
) -> np.ndarray:
    is_colour = source.samples.ndim == 3
    kind = text(source.dataset, "PhotometricInterpretation")
    if state.sop_class_uid == COLOUR:
        if is_colour:
            return eight_bit_colour(source.samples, source.dataset)
        if kind == "PALETTE COLOR":
            return mapped(stored_values(source.samples, source.dataset), palette_of(source.dataset))
    elif not is_colour and kind != "PALETTE COLOR":
        return _presented_gray(source, state, image, notes)
    raise NotRenderable(
        "presentation state", state.sop_instance_uid, f"it does not fit its {kind[:16]} image"
    )


def _presented_gray(
    source: Source, state: PresentationState, image: str, notes: list[str]
) -> np.ndarray:
    modality = state.modality(notes, is_signed=source.is_signed)
    voi = state.voi(image, source.number, notes, is_signed=source.is_signed)
    curve = voi_curve(voi) if voi is not None else range_curve(*modality.range(source.dataset))
    values = stored_values(source.samples, source.dataset)
    if state.sop_class_uid == PSEUDO_COLOUR:
        palette = palette_of(state.dataset)
        return mapped(values, lambda stored: palette.of_shares(curve(modality.curve(stored))))
    shape = state.presentation_lut()
    return mapped(values, lambda stored: eight_bits(shape(curve(modality.curve(stored)))))


def _active_overlays(
    source: Source, state: PresentationState
) -> tuple[tuple[Overlay, Colour], ...]:
    """The image's planes that the state activates, each in the colour of its layer."""
    active = activation_layers(state.dataset)
    if not active:
        return ()
    colours = layer_colours(state.dataset)
    planes = overlays_of(source.dataset, source.number, source.overlay_bits, source.shape)
    return tuple(
        (plane, colours.get(active[plane.group], WHITE))
        for plane in planes
        if active.get(plane.group)
    )


def _bitmap_of(state: Dataset, source: Source) -> np.ndarray | None:
    """The plane of a bitmap shutter, which the state itself holds (C.7.6.15)."""
    group = number(state, "ShutterOverlayGroup")
    if group is None:
        return None
    planes = overlays_of(state, source.number, None, source.shape)
    return next((plane.marks for plane in planes if plane.group == int(group)), None)


def _own_shutter(
    source: Source, aspect: float, notes: list[str]
) -> tuple[np.ndarray | None, Colour]:
    shutter = functional_group(source.dataset, source.number, "FrameDisplayShutterSequence")
    try:
        return shutter_of(shutter, source.shape, aspect), shutter_colour(shutter)
    except (ValueError, TypeError) as error:
        notes.append(f"the display shutter is left out: {error}")
        return None, WHITE


def _pass_over_window(rendering: Rendering, notes: list[str]) -> None:
    if rendering.window is not None:
        notes.append("window is passed over: a colour image has none")


def _painted(pixels: np.ndarray, marks: np.ndarray, colour: Colour) -> np.ndarray:
    if pixels.ndim == 2 and len(set(colour)) == 1:
        return np.where(marks, np.uint8(colour[0]), pixels)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    return np.where(marks[:, :, None], np.array(colour, np.uint8), pixels)
