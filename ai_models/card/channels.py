"""`[[channels]]`: which input, or which colour of it, is which channel of the network's tensors."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from pydantic import Field

from ai_models.card.inputs import InputKind, InputSeries
from ai_models.card.preprocessing import Window
from ai_models.card.strict import Name, Strict
from ai_models.card.tensor_output import TensorName


class ColourComponent(StrEnum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class Channel(Strict):
    """Of several volumes, all are resampled onto the grid of the first input.

    Where a volume does not reach, its lowest value stands.
    """

    input: Name
    tensor: TensorName | None = Field(
        default=None, description="input tensor of a network that has several; its name there"
    )
    window: Window | None = Field(default=None, description="in place of [preprocessing]'s")
    colour: ColourComponent | None = Field(
        default=None,
        description="of an image in colour, unset = its luminance; a grey one has all alike",
    )
    minimum_overlap: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="share of the first input's volume that this one must cover",
    )


def channels_or_one(
    channels: tuple[Channel, ...], inputs: Sequence[InputSeries]
) -> tuple[Channel, ...]:
    """Those of one tensor beside each other, in the order in which tensors are named first."""
    if not channels:
        return (Channel(input=inputs[0].name),)
    order = list(dict.fromkeys(one.tensor for one in channels))
    return tuple(sorted(channels, key=lambda one: order.index(one.tensor)))


def misfits_of_channels(
    inputs: Sequence[InputSeries], channels: Sequence[Channel]
) -> Iterator[str]:
    """Of a network of tensors, in words."""
    known = {one.name: one for one in inputs}
    if not channels and len(inputs) > 1:
        yield (
            f"found {len(inputs)} [[inputs]] and no [[channels]]; expected them, to say which "
            "input is which channel of the network"
        )
    for one in channels:
        if one.input not in known:
            yield f"a channel is of input {one.input!r}; expected one of {', '.join(known)}"
        elif one.colour and known[one.input].kind is InputKind.VOLUME:
            yield f"a channel is the {one.colour} of {one.input}, a volume, which has no colours"
    idle = [name for name in known if channels and name not in {one.input for one in channels}]
    if idle:
        yield f"input {', '.join(idle)} is no channel; expected each input in [[channels]]"
    if optional := [one.name for one in inputs if one.optional]:
        yield (
            f"input {', '.join(optional)} is optional, but a network needs all of its channels; "
            "expected none that may be lacking"
        )
    if len(inputs) > 1 and any(one.kind is InputKind.IMAGES for one in inputs):
        yield "several inputs, of kind images among them, which lie on no common grid; expected one"
    if 0 < sum(one.tensor is not None for one in channels) < len(channels):
        yield "some channels name their `tensor`, some do not; expected all or none"
