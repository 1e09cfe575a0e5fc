"""Volumes turned so that slices run to the head, rows to the back and columns to the left."""

import numpy as np


def flips(affine: np.ndarray) -> tuple[slice, slice, slice]:
    """What to index voxels with, to turn them upright; doing it twice turns them back.

    affine: of an axial volume, 4 x 4, as standards.volume.Volume has it.
    """
    along = (affine[2, 0], affine[1, 1], affine[0, 2])
    feet_to_head, front_to_back, right_to_left = (
        slice(None, None, 1 if step > 0 else -1) for step in along
    )
    return feet_to_head, front_to_back, right_to_left
