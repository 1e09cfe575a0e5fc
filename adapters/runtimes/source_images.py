"""What the card's inputs give, -> images with a channel for each of the network's."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms.spatial.array import SpatialResample

from adapters.runtimes.grid import LPS_TO_RAS, image_of
from ai_models.card import ModelCard
from ai_models.card.channels import Channel, ColourComponent
from ai_models.contract import Inputs, NoResult
from ai_models.tensor_regions import OnImage
from standards.images import Image
from standards.volume import Volume

_COLOURS = {colour: place for place, colour in enumerate(ColourComponent)}
_LUMINANCE = (0.299, 0.587, 0.114)  # of red, green, blue: Y of YBR_FULL, PS3.3 C.7.6.3.1.2
_PIXEL_SIZES = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_SAMPLES = 24  # places along each axis at which the overlap of two volumes is looked at


def volume_image(card: ModelCard, inputs: Inputs, device: torch.device) -> MetaTensor:
    """float32, (channels, slices, rows, columns), on the grid of the first input.

    Raises NoResult where another input does not lie in the same place.
    """
    channels, first = card.network_channels, inputs.volumes[card.series[0].name]
    for channel in channels:
        _check_place(first, inputs.volumes[channel.input], channel)
    names = {channel.input for channel in channels}
    images = {name: _on_grid_of(first, inputs.volumes[name], device) for name in names}
    if len(channels) == 1:
        return images[channels[0].input]
    values = torch.cat([images[channel.input].as_tensor() for channel in channels])
    return MetaTensor(values, affine=images[channels[0].input].affine)


def pictures(
    card: ModelCard, images: Sequence[Image], device: torch.device
) -> Iterator[tuple[MetaTensor, OnImage]]:
    """Every frame of every image, float32, (channels, rows, columns), and what is drawn there.

    Raises UnfitSeries for what cannot be decoded, and NoResult for pixels without a size.
    """
    for index, image in enumerate(images):
        affine = _pixel_matrix(image, is_needed=card.preprocessing.spacing_mm is not None)
        for frame in range(1, image.frames + 1):
            pixels = image.pixels(frame).astype(np.float32)
            planes = np.stack([_plane(pixels, one) for one in card.network_channels])
            values = torch.from_numpy(planes).to(device)
            number = frame if image.frames > 1 else None
            canvas = OnImage(pixels.shape[:2], index, number)
            yield MetaTensor(values, affine=torch.as_tensor(affine)), canvas


def _on_grid_of(first: Volume, volume: Volume, device: torch.device) -> MetaTensor:
    """(1, slices, rows, columns)."""
    image = image_of(volume, device)
    goal, size = torch.as_tensor(LPS_TO_RAS @ first.affine), first.voxels.shape
    if image.shape[1:] == size and np.allclose(volume.affine, first.affine, atol=1e-4):
        return image
    lowest = image.as_tensor().min()
    resample = SpatialResample(mode="bilinear", padding_mode="zeros")
    moved = resample(image - lowest, dst_affine=goal, spatial_size=size)
    return MetaTensor(moved.as_subclass(torch.Tensor).float() + lowest, affine=goal)


def _check_place(first: Volume, volume: Volume, channel: Channel) -> None:
    """Raises NoResult unless the volume lies where the first one does. PS3.3 C.7.4.1."""
    if volume is first:  # whose place need not be known
        return
    found, expected = (one.instances[0].get("FrameOfReferenceUID") for one in (volume, first))
    if not found or found != expected:
        raise NoResult(
            f"Frame of Reference UID of input {channel.input}",
            str(found or "none"),
            f"{expected or 'one'}, as the first input has",
        )
    covered = _share_covered(first, volume)
    if covered < channel.minimum_overlap:
        raise NoResult(
            f"overlap of input {channel.input} with the first one",
            f"{covered:.0%} of its volume",
            f"{channel.minimum_overlap:.0%} or more, as minimum_overlap of the card asks",
        )


def _share_covered(first: Volume, volume: Volume) -> float:
    """How much of the first one lies in the other, by places spread evenly over it."""
    axes = [np.linspace(0, n - 1, min(n, _SAMPLES)) for n in first.voxels.shape]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    matrix = np.linalg.inv(volume.affine) @ first.affine
    moved = places @ matrix[:3, :3].T + matrix[:3, 3]
    ends = np.array(volume.voxels.shape) - 0.5
    return float(((moved >= -0.5) & (moved <= ends)).all(axis=1).mean())


def _plane(pixels: np.ndarray, channel: Channel) -> np.ndarray:
    """(rows, columns) or (rows, columns, 3) in RGB -> (rows, columns)."""
    if pixels.ndim == 2:
        return pixels
    if channel.colour is not None:
        return pixels[..., _COLOURS[channel.colour]]
    return pixels @ np.array(_LUMINANCE, np.float32)


def _pixel_matrix(image: Image, *, is_needed: bool) -> np.ndarray:
    """From pixels to mm in the plane of the image; 1 mm each where their size is not known."""
    sizes = (image.instance.get(keyword) for keyword in _PIXEL_SIZES)
    size = next((one for one in sizes if one), None)
    if size is None and is_needed:
        raise NoResult("Pixel Spacing", "none", "one, as spacing_mm of the card asks")
    return np.diag([*(float(step) for step in size or (1, 1)), 1.0, 1.0])
