"""A volume -> the image that a network expects, and what it says of it back onto the volume's grid.

MONAI counts axes in RAS (to the right, to the front, up), DICOM in LPS: two signs differ.
"""

from collections.abc import Sequence
from functools import partial

import monai.transforms
import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms.compose import Compose
from monai.transforms.intensity.array import ScaleIntensityRange
from monai.transforms.spatial.array import Orientation, Resize, Spacing, SpatialResample

from ai_models.card.channels import Channel
from ai_models.card.preprocessing import Preprocessing, Window
from standards.volume import Volume

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_DIRECTIONS = (("L", "R"), ("P", "A"), ("I", "S"))


def image_of(volume: Volume, device: torch.device) -> MetaTensor:
    """float32, (1, slices, rows, columns) on the device, with an affine to RAS in mm."""
    voxels = torch.from_numpy(np.ascontiguousarray(volume.voxels))
    if device.type == "cuda":
        voxels = voxels.pin_memory()
    values = voxels.to(device, non_blocking=True).float()
    return MetaTensor(values[None], affine=torch.as_tensor(LPS_TO_RAS @ volume.affine))


def preparation(asked: Preprocessing, channels: Sequence[Channel]) -> Compose:
    """The transforms of a card in their order. Raises what MONAI raises for their arguments."""
    size_mode = "trilinear" if asked.size and len(asked.size) == 3 else "bilinear"
    steps = []
    if asked.orientation:
        steps.append(Orientation(axcodes=asked.orientation, labels=_DIRECTIONS))
    if asked.spacing_mm:
        steps.append(Spacing(pixdim=asked.spacing_mm, mode="bilinear"))
    windows = [channel.window or asked.window for channel in channels]
    if any(windows):
        steps.append(partial(_windowed, windows=windows))
    if asked.size:
        steps.append(Resize(asked.size, mode=size_mode))
    for transform in asked.transforms:
        steps.append(getattr(monai.transforms, transform.name)(**transform.arguments))
    return Compose(steps)


def _windowed(image: MetaTensor, windows: Sequence[Window | None]) -> MetaTensor:
    """Each channel by a window of its own, or as it is."""
    image = image.clone()
    for channel, window in zip(image.as_tensor(), windows, strict=True):
        if window is not None:
            ends = (window.low, window.high, window.to_low, window.to_high)
            channel[:] = torch.as_tensor(ScaleIntensityRange(*ends, clip=True)(channel))
    return image


def labels_on(source: MetaTensor, labels: torch.Tensor, prepared: MetaTensor) -> np.ndarray:
    """Labels of the prepared image, (a, b, c) or (rows, columns) -> uint8 on the grid of the
    source, by the nearest voxel; 0 where the prepared image did not reach.

    Resampled where the labels are, on the device, and copied back as bytes.
    """
    resample = SpatialResample(mode="nearest", padding_mode="zeros")
    moved = _moved(source, labels, prepared, resample)
    return moved.round().to(torch.uint8).cpu().numpy()


def numbers_on(source: MetaTensor, numbers: torch.Tensor, prepared: MetaTensor) -> np.ndarray:
    """Numbers of the prepared image, as labels_on takes them -> float32 on the grid of the source,
    between voxels by their distance; beyond its border as on it.
    """
    resample = SpatialResample(mode="bilinear", padding_mode="border")
    moved = _moved(source, numbers, prepared, resample)
    return moved.to(torch.float32).cpu().numpy()


def _moved(
    source: MetaTensor, voxels: torch.Tensor, prepared: MetaTensor, resample: SpatialResample
) -> torch.Tensor:
    same_size = voxels.shape == source.shape[1:]
    if same_size and torch.allclose(prepared.affine, source.affine):
        return voxels
    image = MetaTensor(voxels[None].double(), affine=prepared.affine)
    moved = resample(image, dst_affine=source.affine, spatial_size=source.shape[1:])
    return torch.as_tensor(moved)[0]
