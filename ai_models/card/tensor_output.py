"""What all `[[outputs]]` have in common: the tensors of the network that they explain."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ai_models.card.strict import Strict

TensorName = Annotated[str, Field(min_length=1, max_length=128)]
Colour = Annotated[int, Field(ge=0, le=255)]
# Sizes along the axes of the image that the network sees; None for any.
Grid = Sequence[int | None]
Shape = tuple[int | None, ...]


class Encoding(StrEnum):
    """How a tensor says which voxel, box or input has which label.

    softmax: channel 0 is background, channel k label k; the highest wins, so logits do as well.
    sigmoid: channel k - 1 is the logit of label k; of several above `threshold`, the last wins.
    probability: as sigmoid, but the network has applied it already.
    labels: one channel that holds the values themselves.
    """

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"
    PROBABILITY = "probability"
    LABELS = "labels"


def channels_of(encoding: Encoding, labels: int) -> int:
    """How many a tensor has that tells so many labels apart."""
    return {Encoding.SOFTMAX: labels + 1, Encoding.LABELS: 1}.get(encoding, labels)


class TensorOutput(Strict):
    """Every kind has `shapes(grid)`: of its tensors, as `names` has them, without batch axis."""

    tensor: TensorName | None = Field(
        default=None,
        description="its name among what the network gives: a key, the name of an output, or a "
        "place from 0; unset = the network gives its tensors in the order of [[outputs]]",
    )

    @property
    def names(self) -> tuple[str | None, ...]:
        """Of the tensors that it reads; None for what comes in order."""
        return (self.tensor,)
