"""The tensors of a network, on the device, -> labels and numbers, checked on the way.

place: of an output in the card, from 1, for the errors WrongShape and NotFinite.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ai_models.card.outputs import Classes, Encoding, Labels
from ai_models.tensor_findings import NotFinite, WrongCount, WrongShape
from standards.errors import UndescribedLabel


def tensors_of(answer: Any, expected: int) -> list[torch.Tensor]:
    """What a network answered (a tensor, several, or a dict of them) in its order.

    Raises WrongCount.
    """
    if isinstance(answer, torch.Tensor):
        answer = [answer]
    tensors = list(answer.values() if isinstance(answer, Mapping) else answer)
    if len(tensors) != expected:
        raise WrongCount(len(tensors), expected)
    return tensors


def checked(tensor: torch.Tensor, expected: Sequence[int | None], place: int) -> torch.Tensor:
    """The tensor itself. expected: its shape, None for any. Raises WrongShape and NotFinite."""
    fits = len(expected) == tensor.ndim and all(
        wanted in (None, found) for wanted, found in zip(expected, tensor.shape, strict=True)
    )
    if not fits:
        raise WrongShape(place, tensor.shape, [-1 if n is None else n for n in expected])
    if not bool(torch.isfinite(tensor).all()):
        raise NotFinite(place)
    return tensor


def labels_of(
    tensor: torch.Tensor, output: Labels, grid: Sequence[int], place: int
) -> torch.Tensor:
    """(channels, a, b, c) -> labels, (a, b, c). Raises UndescribedLabel too."""
    checked(tensor, (output.channels, *grid), place)
    if output.encoding is Encoding.SOFTMAX:
        return tensor.argmax(0)
    if output.encoding is Encoding.LABELS:
        highest, lowest = tensor.max().item(), tensor.min().item()
        if lowest < 0 or highest > len(output.labels):
            raise UndescribedLabel(int(lowest if lowest < 0 else highest), len(output.labels))
        return tensor[0]
    probability = tensor.sigmoid() if output.encoding is Encoding.SIGMOID else tensor
    marked = probability > output.threshold
    numbers = torch.arange(1, len(marked) + 1, device=marked.device).view(-1, 1, 1, 1)
    return (marked * numbers).amax(0)


def probabilities_of(tensor: torch.Tensor, output: Classes, place: int) -> list[float]:
    """(channels,) -> the probability of each class."""
    checked(tensor, (output.channels,), place)
    if output.encoding is Encoding.SOFTMAX:
        return tensor.double().softmax(0)[1:].tolist()
    if output.encoding is Encoding.SIGMOID:
        return tensor.double().sigmoid().tolist()
    return tensor.double().tolist()
