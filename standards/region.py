"""A place that a model points at: a point, a line, a box or an outline, on an image or in space."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from pydicom import Dataset
from pydicom.sr.coding import Code

from standards import codes
from standards.classification import check_calibration, check_probability, percent_of
from standards.errors import StandardsError

YELLOW = (255, 220, 0)
_FLATNESS_MM = 0.1  # how far points in the patient may lie beside their common plane


class Shape(StrEnum):
    """What the points of a region are.

    BOX: the top left and the bottom right corner; only on images. POLYGON: corners in turn, the
    last one is joined to the first.
    """

    POINT = "point"
    POLYLINE = "polyline"
    POLYGON = "polygon"
    BOX = "box"


_FEWEST = {Shape.POINT: 1, Shape.POLYLINE: 2, Shape.POLYGON: 3, Shape.BOX: 2}
_MOST = {Shape.POINT: 1, Shape.BOX: 2}


@dataclass(frozen=True, slots=True)
class Region:
    """What was found, and where (PS3.16 TID 1410).

    points: (column, row) on one image, or (x, y, z) in the patient: LPS, mm. On an image the top
        left corner of the top left pixel is (0, 0), its centre (0.5, 0.5) and its bottom right
        corner (1, 1), as PS3.3 C.10.5 and C.18.6 count: a box around pixel columns 10 to 19 goes
        from 10 to 20.
    name: for people, beside the drawing. finding: what it is; category: CID 7150.
    image_index: the image, by its place among the images or slices that the model was given; None
        for points in the patient. frame: of a multi-frame image, from 1; None for any other.
    probability: 0 to 1, that the finding is there; calibration: as Classification's.
    colour: as Structure's. depth_mm: how far it reaches through its image, in front and behind
        together, where it was found in a volume.
    """

    shape: Shape
    points: tuple[tuple[float, ...], ...]
    name: str
    finding: Code
    image_index: int | None = None
    frame: int | None = None
    category: Code = codes.MORPHOLOGICALLY_ABNORMAL_STRUCTURE
    site: Code | None = None
    probability: float | None = None
    colour: tuple[int, int, int] = YELLOW
    calibration: str = ""
    depth_mm: float | None = None

    def __post_init__(self) -> None:
        points = tuple(tuple(float(number) for number in point) for point in self.points)
        object.__setattr__(self, "points", points)
        if not 1 <= len(self.name) <= 64:
            found = f"a region's name has {len(self.name)} characters"
            raise StandardsError(f"{found}; expected 1 to 64, as Segment Label can hold")
        check_probability(self.finding, self.probability)
        check_calibration(self.finding, self.calibration)
        self._check_count()
        self._check_numbers()

    @property
    def percent(self) -> float | None:
        return percent_of(self.probability)

    @property
    def is_on_image(self) -> bool:
        return self.image_index is not None

    @property
    def is_closed(self) -> bool:
        return self.shape in (Shape.BOX, Shape.POLYGON)

    @property
    def curve(self) -> np.ndarray:
        """The line to draw: float64, (points, 2 or 3); a closed one ends where it began."""
        if self.shape is Shape.BOX:
            (left, top), (right, bottom) = self.points
            corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
            return np.array([*corners, corners[0]])
        if self.is_closed and self.points[0] != self.points[-1]:
            return np.array([*self.points, self.points[0]])
        return np.array(self.points)

    def _check_count(self) -> None:
        fewest, most = _FEWEST[self.shape], _MOST.get(self.shape)
        if len(self.points) < fewest or (most and len(self.points) > most):
            expected = f"{fewest} point(s)" if most else f"{fewest} points or more"
            raise self.unfit(f"{len(self.points)} point(s)", expected)

    def _check_numbers(self) -> None:
        axes, where = (2, "(column, row)") if self.is_on_image else (3, "(x, y, z)")
        if any(len(point) != axes for point in self.points):
            found = "points that are not " + where
            expected = "pairs with an image_index, or triples in the patient without one"
            raise self.unfit(found, expected)
        if not all(math.isfinite(number) for point in self.points for number in point):
            raise self.unfit("a point that is not finite", "numbers")
        if self.depth_mm is not None and not 0 < self.depth_mm < math.inf:
            raise self.unfit(f"a depth of {self.depth_mm} mm", "one above 0, or none")
        if self.shape is Shape.BOX:
            self._check_box()
        elif self.shape is Shape.POLYGON and axes == 3 and not _is_flat(np.array(self.points)):
            raise self.unfit("corners that lie in no plane", f"a plane within {_FLATNESS_MM} mm")

    def _check_box(self) -> None:
        if not self.is_on_image:
            raise self.unfit("a box in the patient", "a box on an image, or an outline")
        (left, top), (right, bottom) = self.points
        if left >= right or top >= bottom:
            raise self.unfit(
                f"corners {self.points}", "the top left and the bottom right corner, not on a line"
            )

    def unfit(self, found: str, expected: str) -> StandardsError:
        """The error that says what is wrong with this region."""
        return StandardsError(
            f"region {self.name!r}, a {self.shape}, has {found}; expected {expected}"
        )


def check_places(regions: Sequence[Region], images: Sequence[Dataset]) -> None:
    """Raises StandardsError for a region that does not lie on one of these images.

    images: headers of the images or slices that the model was given, in their order.
    """
    for region in regions:
        index = region.image_index
        if index is None:
            if not images[0].get("FrameOfReferenceUID"):
                raise region.unfit("points in the patient", "points on an image: it says no place")
            continue
        if not 0 <= index < len(images):
            raise region.unfit(f"image_index {index}", f"one of {len(images)} image(s), from 0")
        _check_on_image(region, images[index])


def _check_on_image(region: Region, image: Dataset) -> None:
    frames = int(image.get("NumberOfFrames") or 1)
    if not (region.frame is None if frames == 1 else 1 <= (region.frame or 0) <= frames):
        expected = f"1 to {frames}" if frames > 1 else "none, since the image has one frame"
        raise region.unfit(f"frame {region.frame}", expected)
    size = (int(image.Columns), int(image.Rows))
    curve = region.curve
    if (curve < 0).any() or (curve > size).any():
        expected = f"columns from 0 to {size[0]} and rows from 0 to {size[1]}"
        raise region.unfit("points outside its image", expected)


def _is_flat(points: np.ndarray) -> bool:
    normal = np.linalg.svd(points - points.mean(axis=0))[2][-1]
    return bool(np.ptp(points @ normal) <= 2 * _FLATNESS_MM)
