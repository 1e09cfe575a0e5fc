"""A prepared image through a network: whole, by windows or slice by slice."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from monai.inferers.utils import sliding_window_inference

from adapters.runtimes.decoding import tensors_of
from ai_models.card import ModelCard, Resources
from ai_models.card.preprocessing import Inference, Mode

# Tensors (batch, channels, ...), of which most networks want one -> a tensor, several, or a dict of
# them, batch first.
Network = Callable[..., Any]
_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def device_for(resources: Resources) -> torch.device:
    """CUDA where the card asks for it and it is there, else the CPU, with the card's threads."""
    if resources.threads is not None:
        torch.set_num_threads(resources.threads)
    wanted = resources.device == "cuda" and torch.cuda.is_available()
    return torch.device("cuda" if wanted else "cpu")


def cpu_of(resources: Resources) -> torch.device:
    """For what goes before and after a network that has a device of its own."""
    return device_for(resources.model_copy(update={"device": "cpu"}))


def run(network: Network, image: torch.Tensor, card: ModelCard) -> list[torch.Tensor]:
    """The network's tensors that the card's outputs read, in their order, float32.

    image: (channels, a, b, c), or (channels, rows, columns) of an image or a single slice. What is
    whole has kept its batch axis.
    Raises WrongCount and MissingTensor, and whatever the network raises.
    """
    inference, resources = card.inference, card.resources
    names = [name for output in card.outputs for name in output.names]
    sizes = list(Counter(channel.tensor for channel in card.network_channels).values())

    def forward(batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if resources.channels_last and batch.ndim in _CHANNELS_LAST:
            batch = batch.contiguous(memory_format=_CHANNELS_LAST[batch.ndim])
        with torch.autocast(batch.device.type, enabled=resources.autocast):
            answer = network(*batch.split(sizes, dim=1))
            return tuple(tensor.float() for tensor in tensors_of(answer, names))

    with torch.inference_mode():
        if inference.mode is Mode.SLICES and image.ndim == 4:
            pieces = [forward(part) for part in image.transpose(0, 1).split(inference.batch)]
            return [torch.cat(parts).transpose(0, 1) for parts in zip(*pieces, strict=True)]
        if inference.roi_size is not None:
            return [tensor[0] for tensor in _by_windows(forward, image[None], inference)]
        return list(forward(image[None]))


def _by_windows(
    forward: Callable[[torch.Tensor], tuple[torch.Tensor, ...]],
    batch: torch.Tensor,
    inference: Inference,
) -> tuple[torch.Tensor, ...]:
    answer = sliding_window_inference(
        batch,
        inference.roi_size or (),
        inference.batch,
        forward,
        overlap=inference.overlap,
        mode="gaussian",
    )
    return (answer,) if isinstance(answer, torch.Tensor) else tuple(answer)  # pyright: ignore
