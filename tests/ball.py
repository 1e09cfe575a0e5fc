"""A CT of a bright ball off the middle, so that a turned or shifted answer is seen."""

import numpy as np
from pydicom import Dataset

from standards.volume import Volume

SHAPE = (12, 32, 40)
SPACING = (2.5, 1.0, 1.0)
INSIDE_HU, OUTSIDE_HU = 800, -200


def ball_mask(shape: tuple[int, int, int] = SHAPE, radius_mm: float = 8.0) -> np.ndarray:
    """Where the ball is: bool, (slices, rows, columns)."""
    middle = np.array(shape) * (0.5, 0.4, 0.6)
    places = np.moveaxis(np.indices(shape), 0, -1)
    distances = np.linalg.norm((places - middle) * SPACING, axis=-1)
    return distances < radius_mm


def ball_volume() -> Volume:
    """Axial from feet to head, as scanners make it; the headers are empty."""
    voxels = np.where(ball_mask(), INSIDE_HU, OUTSIDE_HU).astype(np.int16)
    affine = np.array(
        [[0, 0, SPACING[2], -20], [0, SPACING[1], 0, -100], [SPACING[0], 0, 0, 300], [0, 0, 0, 1.0]]
    )
    return Volume(voxels, affine, tuple(Dataset() for _ in voxels))
