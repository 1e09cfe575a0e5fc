"""The images of a series <-> one volume of voxels with an LPS affine in mm."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from standards.errors import UnfitSeries
from standards.frame_headers import frame_headers
from standards.modality_values import stored_frames, to_modality_values
from standards.slice_order import affine_of, check_one, slice_order

_GROWTH = 32  # slices of room made at a time


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Voxels in modality values, with their place in the patient.

    voxels: float32 or int16, (slices, rows, columns), modality values (HU for CT): Rescale
        Slope and Intercept or the Modality LUT are applied (PS3.3 C.11.1).
    affine: float64, 4 x 4, maps (slice, row, column, 1) to patient coordinates, LPS, in mm
        (PS3.3 C.7.6.2.1.1).
    instances: headers in slice order, sorted along the normal of the image plane (for an axial
        series from feet to head); without pixel data. Of multi-frame images one for each frame
        (standards/frame_headers.py).
    """

    voxels: np.ndarray
    affine: np.ndarray
    instances: tuple[Dataset, ...]

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance in mm between neighbours along slices, rows and columns."""
        steps = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(steps[0]), float(steps[1]), float(steps[2])

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000.0


def volume_of(instances: Iterable[Dataset]) -> Volume:
    """Build the volume of one series, pixel data included, in any order.

    Raises UnfitSeries when an attribute is missing, when slices differ in what must be equal,
    when positions repeat or leave a gap, when Rescale is missing, or when pixel data cannot be
    decoded: a wrong number is worse than none. Follows PS3.3 C.7.6.2, C.7.6.16 and C.11.1.
    """
    stack = Stack()
    for instance in instances:
        stack.add(instance)
    return stack.volume()


class Stack:
    """Takes the images of one series as they arrive; each voxel is held once.

    int16 where every value of the series fits exactly, else float32: CT stays small and exact.
    """

    def __init__(self) -> None:
        self._headers: list[Dataset] = []
        self._voxels = np.empty((0, 0, 0), np.int16)

    def add(self, instance: Dataset) -> None:
        """Decode one image, single-frame or multi-frame. Raises UnfitSeries as `volume_of`."""
        headers = frame_headers(instance)
        for header in headers:
            check_one(header)
        for header, stored in zip(headers, stored_frames(instance), strict=True):
            self._append(header, to_modality_values(stored, header))

    def volume(self) -> Volume:
        """Sort the slices where they are. The stack is spent afterwards: it gives them away."""
        order = slice_order(self._headers)
        ordered = tuple(self._headers[n] for n in order)
        voxels = self._voxels
        voxels.resize((len(ordered), *voxels.shape[1:]), refcheck=False)
        reorder(voxels, order)
        return Volume(voxels, affine_of(ordered), ordered)

    def _append(self, header: Dataset, plane: np.ndarray) -> None:
        count = len(self._headers)
        if not count:
            self._voxels = np.empty((_GROWTH, *plane.shape), np.int16)
        elif plane.shape != self._voxels.shape[1:]:
            shapes = f"{self._voxels.shape[1:]} and {plane.shape}"
            raise UnfitSeries("Rows and Columns", shapes, "one value in the series")
        if plane.dtype != self._voxels.dtype:
            self._voxels = self._voxels.astype(np.float32, copy=False)
        if count == len(self._voxels):  # realloc moves pages, not bytes
            self._voxels.resize((count + _GROWTH, *plane.shape), refcheck=False)
        self._voxels[count] = plane
        self._headers.append(header)


def reorder(planes: np.ndarray, order: np.ndarray) -> None:
    """planes[:] = planes[order], in place with room for one plane."""
    left = dict(enumerate(order.tolist()))
    while left:
        start, source = left.popitem()
        if source == start:
            continue
        kept, target = planes[start].copy(), start
        while source != start:
            planes[target] = planes[source]
            target, source = source, left.pop(source)
        planes[target] = kept
