"""Morphology in millimetres, on arrays of (slices, rows, columns)."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from scipy import ndimage

IN_PLANE = np.zeros((3, 3, 3), bool)  # neighbours within a slice only
IN_PLANE[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]


def parts_of(mask: np.ndarray, neighbours: np.ndarray | None = None) -> tuple[np.ndarray, int]:
    """Number the connected parts of a mask: labels from 1, 0 outside, and how many there are."""
    labels = np.empty(mask.shape, np.int32)
    return labels, cast(int, ndimage.label(mask, neighbours, output=labels))


def reaching_edge(mask: np.ndarray) -> np.ndarray:
    """The parts of a mask that reach the edge of the image within their slice."""
    labels, count = parts_of(mask, IN_PLANE)
    touches = np.zeros(count + 1, bool)
    for edge in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        touches[edge.ravel()] = True
    touches[0] = False
    return touches[labels]


def boundary_box(mask: np.ndarray, margin: Sequence[int]) -> tuple[slice, ...]:
    """The smallest box around a mask that is not empty, with a margin, within the array."""
    sides = []
    for axis, extra in enumerate(margin):
        others = tuple(n for n in range(3) if n != axis)
        inside = np.flatnonzero(mask.any(axis=others))
        sides.append(slice(max(0, int(inside[0]) - extra), int(inside[-1]) + 1 + extra))
    return tuple(sides)


def depth_mm(mask: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Distance from each voxel of the mask to the nearest one outside it, 0 outside."""
    return cast(np.ndarray, ndimage.distance_transform_edt(mask, sampling=spacing))


def dilated(mask: np.ndarray, radius: float, spacing: Sequence[float]) -> np.ndarray:
    """All voxels within a radius of the mask, in mm."""
    return depth_mm(~mask, spacing) <= radius


def closed(mask: np.ndarray, radius: float, spacing: Sequence[float]) -> np.ndarray:
    """The mask with gaps of less than twice the radius closed, within each slice."""
    steps = spacing[1:]
    result = mask.copy()
    for n, plane in enumerate(mask):
        if plane.any():
            result[n] |= depth_mm(dilated(plane, radius, steps), steps) > radius
    return result


def opened(mask: np.ndarray, radius: float, spacing: Sequence[float]) -> np.ndarray:
    """The parts of a mask into which a ball of the radius fits."""
    core = depth_mm(mask, spacing) > radius
    return dilated(core, radius + max(spacing[1:]), spacing) & mask if core.any() else core


def sizes(labels: np.ndarray) -> np.ndarray:
    """Voxels of each label, index 0 (background) set to 0."""
    counts = np.bincount(labels.ravel())
    counts[0] = 0
    return counts
