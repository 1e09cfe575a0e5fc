"""Checks of the pixels of images for themselves; of a loop its first, middle and last frame."""

from collections.abc import Iterator, Sequence

import numpy as np
from pydicom import Dataset

from ai_models.burned_in_text.boxes import text_boxes
from ai_models.gate.suspicion import Seen, Suspicion
from ai_models.gate.values import implausible_values as implausible_voxels
from standards.images import GRAYSCALE, Image

_FRAMES = 3  # of a loop
_OVERLAYS = range(0x6000, 0x6020, 2)  # groups, PS3.5 7.6
_BITS_OF_SCREENS = 8  # detectors give ten or more
_READ, _READ_PIXELS = 3, 1024  # images, and rows or columns, for half a second each
# Of the image, and pieces: a radiograph has a side marker and a name, a screen a page of writing.
_MOST_WRITING, _MOST_PIECES = 0.04, 8


def looked_at(image: Image) -> list[int]:
    """Numbers of the frames that the gate looks at, from 1."""
    return sorted({1 + (image.frames - 1) * n // (_FRAMES - 1) for n in range(_FRAMES)})


def constant_image(_seen: Seen, images: Sequence[Image]) -> Suspicion | None:
    """A decoder that fails may give nothing but zeros."""
    if len(_constant(images)) < len(images):
        return None
    return Suspicion("one value in all of every image", "images")


def constant_images(_seen: Seen, images: Sequence[Image]) -> Suspicion | None:
    """Some images of a single value: lost, zeroed, or not exposed."""
    empty = _constant(images)
    if not empty:
        return None
    found = f"{len(empty)} of {len(images)}, the first of them image {empty[0] + 1}"
    return Suspicion(found, "different values in every image")


def bits_stored(_seen: Seen, images: Sequence[Image]) -> Suspicion | None:
    """No stored value has more bits than Bits Stored says, but for overlays in the bits above.

    PS3.5 8.1.1; negative values may be padded with zeros or with their sign.
    """
    for image in images:
        bits = image.instance.get("BitsStored")
        if not bits or _has_overlay_in_pixels(image.instance):
            continue
        least = -(1 << bits - 1) if image.instance.get("PixelRepresentation") else 0
        for stored in _stored(image):
            if stored.min() < least or stored.max() >= 1 << bits:
                found = f"stored values from {stored.min()} to {stored.max()}"
                return Suspicion(found, f"values of {bits} bits, as Bits Stored says")
    return None


def implausible_values(seen: Seen, images: Sequence[Image]) -> Suspicion | None:
    """As of volumes, each frame for itself; colours have no modality values."""
    for image in images:
        if image.instance.PhotometricInterpretation not in GRAYSCALE:
            continue
        for frame in looked_at(image):
            suspicion = implausible_voxels(seen, image.pixels(frame)[None])
            if suspicion is not None:
                return suspicion
    return None


def writing(_seen: Seen, images: Sequence[Image]) -> Suspicion | None:
    """What claims to be a radiograph, and has as few bits as a screen, is a page of writing."""
    screens = [one for one in images if one.instance.get("BitsStored", 0) <= _BITS_OF_SCREENS]
    for image in screens[:_READ]:
        pixels = _reduced(image.pixels())
        boxes = text_boxes(pixels)
        written = sum((box.bottom - box.top) * (box.right - box.left) for box in boxes)
        share = written / (pixels.shape[0] * pixels.shape[1])
        if share > _MOST_WRITING or len(boxes) > _MOST_PIECES:
            found = f"{len(boxes)} pieces of writing on {share:.1%} of the image"
            return Suspicion(found, f"at most {_MOST_PIECES} on {_MOST_WRITING:.0%}")
    return None


def _reduced(pixels: np.ndarray) -> np.ndarray:
    step = -(-max(pixels.shape[:2]) // _READ_PIXELS)
    return pixels[::step, ::step]


def _constant(images: Sequence[Image]) -> list[int]:
    """Indices of the images that have one value in all the frames looked at."""
    return [n for n, image in enumerate(images) if _is_constant(image)]


def _is_constant(image: Image) -> bool:
    """A plane of one colour is constant too."""
    first, *others = _stored(image)
    return all((stored == first[0, 0]).all() for stored in (first, *others))


def _stored(image: Image) -> Iterator[np.ndarray]:
    return (image.stored(frame) for frame in looked_at(image))


def _has_overlay_in_pixels(header: Dataset) -> bool:
    """Overlay Bit Position (60xx,0102), retired: an overlay in an unused bit of the pixels."""
    positions = (header.get((group, 0x0102)) for group in _OVERLAYS)
    return any(position is not None and position.value for position in positions)
