"""Places that a network found, on the source, -> regions, as the card explains them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import ndimage

from ai_models.card.regions import Mark, Outlines
from ai_models.tensor_errors import OutsideImage
from standards.contours import outlines
from standards.findings import Region, Shape
from standards.volume import Volume

_ROUNDING = 1e-3  # of a voxel, by which a point may lie beside the border


@dataclass(frozen=True, eq=False)
class Spot:
    """place: float64, (axes,) of a point; (2, axes) of a box, its low and its high corner; along
        (slices, rows, columns) of a volume or (rows, columns) of an image, with 0 at the outer
        corner of the first voxel.
    number: of its class, from 0. probability: None where the network tells none.
    """

    place: np.ndarray
    number: int
    probability: float | None


@dataclass(frozen=True)
class Drawing:
    """Where a region is: the fields of a Region that say so."""

    shape: Shape
    points: tuple[tuple[float, ...], ...]
    image_index: int | None = None
    frame: int | None = None
    depth_mm: float | None = None


class Canvas(Protocol):
    """What regions are drawn on. size: as the axes of a Spot."""

    @property
    def size(self) -> tuple[int, ...]: ...

    def box(self, place: np.ndarray) -> Drawing: ...

    def point(self, place: np.ndarray) -> Drawing: ...


@dataclass(frozen=True)
class OnImage:
    """index, frame: as a Region has them."""

    size: tuple[int, ...]
    index: int
    frame: int | None

    def box(self, place: np.ndarray) -> Drawing:
        return self._drawn(Shape.BOX, place)

    def point(self, place: np.ndarray) -> Drawing:
        return self._drawn(Shape.POINT, place[None])

    def outline(self, curve: np.ndarray) -> Drawing:
        """curve: (points, 2) of (column, row)."""
        return self._drawn(Shape.POLYGON, curve[:, ::-1])

    def _drawn(self, shape: Shape, places: np.ndarray) -> Drawing:
        """places: (points, 2) of (row, column)."""
        return Drawing(shape, tuple(map(tuple, places[:, ::-1])), self.index, self.frame)


@dataclass(frozen=True, eq=False)
class InVolume:
    """Boxes on the slice in their middle, points in the patient."""

    volume: Volume

    @property
    def size(self) -> tuple[int, ...]:
        return self.volume.voxels.shape

    def box(self, place: np.ndarray) -> Drawing:
        first, last = place[:, 0]
        on_slice = OnImage(self.size[1:], min(int((first + last) / 2), self.size[0] - 1), None)
        drawn = on_slice.box(place[:, 1:])
        depth_mm = float(last - first) * self.volume.spacing[0]
        return Drawing(drawn.shape, drawn.points, drawn.image_index, depth_mm=depth_mm)

    def point(self, place: np.ndarray) -> Drawing:
        in_patient = self.volume.affine @ (*(place - 0.5), 1.0)
        return Drawing(Shape.POINT, (tuple(in_patient[:3]),))


def of_spots(
    spots: Iterable[Spot], marks: Sequence[Mark], calibration: str, canvas: Canvas, output: int
) -> list[Region]:
    """Boxes are cut where they leave the image. output: as for the errors.

    Raises OutsideImage where nothing of one is left.
    """
    regions = []
    for spot in spots:
        is_box = spot.place.ndim == 2
        inside = spot.place.clip(0, canvas.size)
        beyond = (inside[0] >= inside[1]) if is_box else abs(spot.place - inside) > _ROUNDING
        if beyond.any():
            raise OutsideImage(output, spot.place.ravel().tolist(), canvas.size)
        drawing = canvas.box(inside) if is_box else canvas.point(inside)
        regions.append(_region(drawing, marks[spot.number], spot.probability, calibration))
    return regions


def of_outlines(
    output: Outlines, labels: np.ndarray, probabilities: np.ndarray | None, canvas: OnImage
) -> list[Region]:
    """labels: uint8, (rows, columns) of the source. probabilities: (classes, rows, columns)."""
    regions = []
    for number, mark in enumerate(output.classes):
        # Neighbours by an edge: those by a corner have outlines of their own.
        parts, _ = ndimage.label(labels == number + 1)  # pyright: ignore (an array and a number)
        sizes = np.bincount(parts.ravel())[1:]
        large = [n for n in np.argsort(-sizes, kind="stable") if sizes[n] >= output.minimum_pixels]
        for n in large[: output.most]:
            part = parts == n + 1
            sure = None if probabilities is None else float(probabilities[number][part].mean())
            curve = outlines(np.asarray(ndimage.binary_fill_holes(part)))[0]
            regions.append(_region(canvas.outline(curve), mark, sure, output.calibration))
    return regions


def _region(drawing: Drawing, mark: Mark, probability: float | None, calibration: str) -> Region:
    return Region(
        drawing.shape,
        drawing.points,
        mark.name,
        mark.finding.code,
        drawing.image_index,
        drawing.frame,
        site=mark.site.code if mark.site else None,
        probability=probability,
        colour=mark.colour,
        calibration=calibration,
        depth_mm=drawing.depth_mm,
    )
