"""The tensors of a network, on the device, checked, -> labels and probabilities."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ai_models.card.outputs import Labels
from ai_models.card.regions import Outlines
from ai_models.card.tensor_output import Encoding, Shape
from ai_models.tensor_errors import MissingTensor, NotFinite, WrongCount, WrongShape
from standards.errors import UndescribedLabel


def tensors_of(answer: Any, names: Sequence[str | None]) -> list[torch.Tensor]:
    """The tensors of these names, or all in their order where the card names none.

    answer: of a network: a tensor, several, a dict of them, or as detection networks give it, a
    list with a dict for the only image of the batch. Raises WrongCount and MissingTensor.
    """
    there = _by_name(answer)
    named = [name for name in names if name is not None]
    if named:  # then all are
        if missing := [name for name in named if name not in there]:
            raise MissingTensor(missing[0], list(there))
        return [there[name] for name in named]
    if len(there) != len(names):
        raise WrongCount(len(there), len(names))
    return list(there.values())


def _by_name(answer: Any) -> Mapping[str, torch.Tensor]:
    if isinstance(answer, torch.Tensor):
        answer = [answer]
    if len(answer) == 1 and not isinstance(answer, Mapping) and isinstance(answer[0], Mapping):
        answer = answer[0]
    if isinstance(answer, Mapping):
        return answer
    return {str(place): one for place, one in enumerate(answer)}


def checked(tensor: torch.Tensor, expected: Shape, place: int) -> torch.Tensor:
    """The tensor, without a batch axis of one.

    expected: its shape, None for any. place: of the output in the card, from 1, for the errors.
    Raises WrongShape and NotFinite.
    """
    if tensor.ndim == len(expected) + 1 and len(tensor) == 1:
        tensor = tensor[0]
    if tensor.numel() == 0 and expected[0] is None:
        tensor = tensor.reshape(0, *(n for n in expected[1:] if n))  # an empty list tells no width
    fits = len(expected) == tensor.ndim and all(
        wanted in (None, found) for wanted, found in zip(expected, tensor.shape, strict=True)
    )
    if not fits:
        raise WrongShape(place, tensor.shape, [-1 if n is None else n for n in expected])
    if not bool(torch.isfinite(tensor).all()):
        raise NotFinite(place)
    return tensor


def labels_of(tensor: torch.Tensor, output: Labels | Outlines) -> torch.Tensor:
    """(channels, a, b, c) or (channels, rows, columns) -> labels. Raises UndescribedLabel."""
    if output.encoding is Encoding.SOFTMAX:
        return tensor.argmax(0)
    if output.encoding is Encoding.LABELS:
        highest, lowest = tensor.max().item(), tensor.min().item()
        described = len(output.labels if isinstance(output, Labels) else output.classes)
        if lowest < 0 or highest > described:
            raise UndescribedLabel(int(lowest if lowest < 0 else highest), described)
        return tensor[0]
    marked = probabilities(tensor, output.encoding) > output.threshold
    numbers = torch.arange(1, len(marked) + 1, device=marked.device)
    return (marked * numbers.view(-1, *[1] * (tensor.ndim - 1))).amax(0)


def probabilities(tensor: torch.Tensor, encoding: Encoding) -> torch.Tensor:
    """(channels, ...) -> (classes, ...), the probability of each."""
    if encoding is Encoding.SOFTMAX:
        return tensor.softmax(0)[1:]
    return tensor.sigmoid() if encoding is Encoding.SIGMOID else tensor
