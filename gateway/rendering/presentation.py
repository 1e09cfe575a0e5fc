"""Softcopy presentation states: which images they show, and how (PS3.3 A.33, PS3.4 N.2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydicom import Dataset
from pydicom.uid import UID

from gateway.rendering.attributes import items, number, numbers, text
from gateway.rendering.errors import NotRenderable
from gateway.rendering.geometry import Area, Placement
from gateway.rendering.grayscale import (
    Modality,
    Voi,
    is_inverse,
    rescale_of,
    voi_of,
)
from gateway.rendering.lookup import LookupTable, lookup_table

GRAYSCALE = "1.2.840.10008.5.1.4.1.1.11.1"
COLOUR = "1.2.840.10008.5.1.4.1.1.11.2"
PSEUDO_COLOUR = "1.2.840.10008.5.1.4.1.1.11.3"
KINDS = (GRAYSCALE, COLOUR, PSEUDO_COLOUR)
FAMILY = "1.2.840.10008.5.1.4.1.1.11."  # Presentation State Storage SOP Classes, PS3.4 B.5


@dataclass(frozen=True)
class Reference:
    """One image that a presentation state shows. frames: from 1; none means all."""

    sop_instance_uid: str
    frames: tuple[int, ...] = ()


class PresentationState:
    """One presentation state, read. Raises NotRenderable for what cannot be applied exactly."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.sop_class_uid = text(dataset, "SOPClassUID")
        self.sop_instance_uid = text(dataset, "SOPInstanceUID")
        if self.sop_class_uid not in KINDS:
            raise self._refused(f"{UID(self.sop_class_uid).name} is not supported")
        for keyword, what in _NOT_APPLIED:
            if items(dataset, keyword):
                raise self._refused(f"{what} is not supported")

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        found: dict[str, Reference] = {}
        for series in items(self.dataset, "ReferencedSeriesSequence"):
            for image in items(series, "ReferencedImageSequence"):
                uid = text(image, "ReferencedSOPInstanceUID")
                frames = tuple(int(each) for each in numbers(image, "ReferencedFrameNumber"))
                found.setdefault(uid, Reference(uid, frames))
        return tuple(found.values())

    def modality(self, notes: list[str], *, is_signed: bool) -> Modality:
        """That of the state alone: it stands instead of the image's (PS3.4 N.2)."""
        for item in items(self.dataset, "ModalityLUTSequence")[:1]:
            return Modality(lookup_table(item, is_signed=is_signed))
        if number(self.dataset, "RescaleSlope") is not None:
            return rescale_of(self.dataset, notes)
        return Modality(lambda values: values, is_identity=True)

    def voi(self, image: str, frame: int, notes: list[str], *, is_signed: bool) -> Voi | None:
        for item in self._for(image, frame, "SoftcopyVOILUTSequence")[:1]:
            return voi_of(item, notes, is_signed=is_signed)
        return None

    def presentation_lut(self) -> Callable[[np.ndarray], np.ndarray]:
        """Shares of brightness to shares of P-Values, C.11.6."""
        for item in items(self.dataset, "PresentationLUTSequence")[:1]:
            return _over_shares(lookup_table(item, is_signed=False))
        return _inverted if is_inverse(self.dataset) else _unchanged

    def annotations(self, image: str, frame: int) -> list[Dataset]:
        return self._for(image, frame, "GraphicAnnotationSequence")

    def placement(
        self, image: str, frame: int, columns: int, rows: int, notes: list[str]
    ) -> Placement:
        """The displayed area of one image at the size it has, and how it is turned."""
        areas = self._for(image, frame, "DisplayedAreaSelectionSequence")
        area = _area_of(areas[0]) if areas else Area(0, 0, columns, rows)
        rotation = int(number(self.dataset, "ImageRotation") or 0) % 360
        if rotation not in (0, 90, 180, 270):
            raise ValueError(f"an image rotation of {rotation} degrees")
        width, height = _size_of(areas[0] if areas else Dataset(), area, notes)
        if rotation in (90, 270):
            width, height = height, width
        return Placement(
            area,
            width,
            height,
            rotation,
            flip_horizontally=text(self.dataset, "ImageHorizontalFlip") == "Y",
        )

    def aspect(self, image: str, frame: int) -> float | None:
        """Height of a pixel over its width, as the state says; None where it does not."""
        for item in self._for(image, frame, "DisplayedAreaSelectionSequence")[:1]:
            for keyword in ("PresentationPixelSpacing", "PresentationPixelAspectRatio"):
                height, width = (*numbers(item, keyword), 0.0, 0.0)[:2]
                if height > 0 and width > 0:
                    return min(max(height / width, 0.02), 50)
        return None

    def _for(self, image: str, frame: int, sequence: str) -> list[Dataset]:
        """The items that name the frame, or no image at all, which means every one."""
        found = []
        for item in items(self.dataset, sequence):
            named = items(item, "ReferencedImageSequence")
            if not named or any(_names(reference, image, frame) for reference in named):
                found.append(item)
        return found

    def _refused(self, reason: str) -> NotRenderable:
        return NotRenderable("presentation state", self.sop_instance_uid, reason)


_NOT_APPLIED = (
    ("MaskSubtractionSequence", "subtraction of a mask"),
    ("AdvancedBlendingSequence", "blending of images"),
    ("BlendingSequence", "blending of images"),
)


def of_frames(reference: Reference, number_of_frames: int) -> tuple[int, ...]:
    """The frames that are shown of an image with so many; those it does not have are left out."""
    frames: Sequence[int] = reference.frames or range(1, number_of_frames + 1)
    return tuple(frame for frame in frames if 1 <= frame <= number_of_frames)


def _names(reference: Dataset, image: str, frame: int) -> bool:
    if text(reference, "ReferencedSOPInstanceUID") != image:
        return False
    frames = numbers(reference, "ReferencedFrameNumber")
    return not frames or frame in frames


def _area_of(item: Dataset) -> Area:
    """Both corners belong to the area, and are columns and rows from 1 of the image unturned."""
    first = numbers(item, "DisplayedAreaTopLeftHandCorner")
    last = numbers(item, "DisplayedAreaBottomRightHandCorner")
    if len(first) != 2 or len(last) != 2:
        raise ValueError("a displayed area without its corners")
    left, right = sorted((first[0], last[0]))
    top, lower = sorted((first[1], last[1]))
    return Area(left - 1, top - 1, right - left + 1, lower - top + 1)


def _size_of(item: Dataset, area: Area, notes: list[str]) -> tuple[int, int]:
    """The size of the picture before it is turned: C.10.4 as far as a picture can follow it."""
    mode = text(item, "PresentationSizeMode")
    scale = 1.0
    if mode == "MAGNIFY":
        scale = number(item, "PresentationPixelMagnificationRatio") or 1.0
    elif mode == "TRUE SIZE":
        notes.append("the size of a picture on a display is unknown, so it is not the true size")
    if not 0 < scale <= 1e4:
        raise ValueError(f"a magnification of {scale}")
    return max(1, round(area.width * scale)), max(1, round(area.height * scale))


def _over_shares(table: LookupTable) -> Callable[[np.ndarray], np.ndarray]:
    last = len(table.entries) - 1
    return lambda shares: table.shares(table.first + np.nan_to_num(shares) * last)


def _inverted(shares: np.ndarray) -> np.ndarray:
    return 1 - shares


def _unchanged(shares: np.ndarray) -> np.ndarray:
    return shares
