"""The part of a volume or an image that another model found: for models that look at it closely."""

from dataclasses import replace

import numpy as np

from standards.errors import StandardsError
from standards.findings import Region
from standards.images import Image
from standards.volume import Volume

Box = tuple[slice, slice, slice]  # of slices, rows and columns


def crop(volume: Volume, found: Region | np.ndarray, margin_mm: float = 0) -> Volume:
    """The smallest box around a region, or around what a mask (slices, rows, columns) marks.

    margin_mm: on all sides, as far as the volume goes. The voxels are a view, the affine is that of
    the box, so a place in the patient is the same in both. Raises StandardsError where nothing of
    it is in the volume.
    """
    box = box_of(volume, found, margin_mm)
    affine = volume.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ [part.start for part in box]
    voxels, instances = volume.voxels[box], volume.instances[box[0]]
    return replace(volume, voxels=voxels, affine=affine, instances=instances)


def crop_image(image: Image, region: Region, margin: int = 0) -> np.ndarray:
    """The pixels of the region's frame in its box, as Image.pixels gives them; margin: pixels."""
    pixels = image.pixels(region.frame or 1)
    corners = np.array(region.points)[:, ::-1]  # row, column
    low, high = np.floor(corners.min(axis=0)) - margin, np.ceil(corners.max(axis=0)) + margin
    rows, columns = _within(low, high, pixels.shape[:2])
    return pixels[rows, columns]


def box_of(volume: Volume, found: Region | np.ndarray, margin_mm: float = 0) -> Box:
    """As `crop`: where it lies in the voxels."""
    low, high = _ends(volume, found)
    margin = np.ceil(margin_mm / np.array(volume.spacing) - 1e-6)
    slices, rows, columns = _within(low - margin, high + margin, volume.voxels.shape)
    return slices, rows, columns


def _ends(volume: Volume, found: Region | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First voxel, and the one behind the last, on each axis."""
    if isinstance(found, np.ndarray):
        marked = np.argwhere(found)
        if not len(marked):
            raise StandardsError("the mask marks no voxel; expected one or more to crop around")
        return marked.min(axis=0).astype(float), marked.max(axis=0) + 1.0
    if found.image_index is None:
        homogeneous = np.c_[np.array(found.points), np.ones(len(found.points))]
        # Voxels are counted by their centres, boxes by the voxels' sides.
        places = (homogeneous @ np.linalg.inv(volume.affine).T)[:, :3] + 0.5
    else:
        on_image = np.array(found.points)[:, ::-1]  # row, column
        places = np.c_[np.full(len(on_image), found.image_index), on_image]
    low = np.floor(places.min(axis=0))
    return low, np.maximum(np.ceil(places.max(axis=0)), low + 1)


def _within(low: np.ndarray, high: np.ndarray, shape: tuple[int, ...]) -> list[slice]:
    starts, ends = np.maximum(low, 0).astype(int), np.minimum(high, shape).astype(int)
    if (starts >= ends).any():
        raise StandardsError(
            f"the region lies outside the {shape} voxels or pixels; expected in them"
        )
    return [slice(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]
