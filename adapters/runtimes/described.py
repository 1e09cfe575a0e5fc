"""What a network says of its tensors, held against the card: shapes, channels, names."""

from collections import Counter
from collections.abc import Iterator, Sequence

from adapters.runtimes.open_inference import DATATYPES, ModelMetadata, TensorMetadata
from ai_models.card import InputKind, ModelCard
from ai_models.card.preprocessing import Mode
from ai_models.card.tensor_output import Shape


class DescribedDifferently(Exception):
    """What the network says of its tensors is not what the card says."""

    def __init__(self, misfits: list[str]) -> None:
        self.misfits = misfits
        super().__init__(f"the network and its card differ: {'; '.join(misfits)}")


def check_described(card: ModelCard, metadata: ModelMetadata) -> None:
    """Raises DescribedDifferently."""
    if found := [*_misfits_of_inputs(card, metadata), *_misfits_of_outputs(card, metadata)]:
        raise DescribedDifferently(found)


def inputs_in_order(card: ModelCard, metadata: ModelMetadata) -> list[TensorMetadata]:
    """The input tensors as the card's channels name them. After check_described."""
    named = {one.name: one for one in metadata.inputs}
    names = Counter(channel.tensor for channel in card.network_channels)
    return list(metadata.inputs) if None in names else [named[name] for name in names if name]


def outputs_to_ask_for(card: ModelCard, metadata: ModelMetadata) -> list[TensorMetadata]:
    """All, where the card names none; each once. After check_described."""
    named = {one.name: one for one in metadata.outputs}
    names = dict.fromkeys(name for output in card.outputs for name in output.names)
    return list(metadata.outputs) if None in names else [named[name] for name in names if name]


def _misfits_of_inputs(card: ModelCard, metadata: ModelMetadata) -> Iterator[str]:
    sizes = Counter(channel.tensor for channel in card.network_channels)
    known = {one.name: one for one in metadata.inputs}
    if len(known) != len(sizes):
        yield f"found {len(known)} input(s), {_list(known)}; expected {len(sizes)}, as in the card"
        return
    for name, one in zip(sizes, metadata.inputs, strict=True):
        if name is not None and name not in known:
            yield f"no input {name!r}, but {_list(known)}; expected the tensors of [[channels]]"
        else:
            tensor = one if name is None else known[name]
            yield from _misfit(tensor, (None, sizes[name], *_axes_of(card)))


def _misfits_of_outputs(card: ModelCard, metadata: ModelMetadata) -> Iterator[str]:
    names = [name for output in card.outputs for name in output.names]
    axes = [None] * len(_axes_of(card))
    shapes = [shape for output in card.outputs for shape in output.shapes(axes)]
    known = {one.name: one for one in metadata.outputs}
    if None in names and len(known) != len(names):
        yield f"found {len(known)} output(s), {_list(known)}; expected {len(names)}, as in the card"
        return
    in_order = [*known, *names][: len(names)] if None in names else names
    for name, shape in zip(in_order, shapes, strict=True):
        if name not in known:
            yield f"no output {name!r}, but {_list(known)}; expected the tensors of [[outputs]]"
        else:
            yield from _misfit(known[name], shape, (None, *shape))


def _misfit(tensor: TensorMetadata, *expected: Shape) -> Iterator[str]:
    """expected: one of these shapes, the last with its batch axis; None for any size. What tells
    no axes at all is taken at the card's word.
    """
    if tensor.datatype not in DATATYPES:
        yield f"{tensor.name} is of {tensor.datatype}; expected one of {', '.join(DATATYPES)}"
    if tensor.shape and not any(_fits(tensor.shape, shape) for shape in expected):
        told = [-1 if size is None else size for size in expected[-1]]
        yield f"{tensor.name} has shape {list(tensor.shape)}; expected {told}, -1 for any"


def _fits(found: Sequence[int], expected: Shape) -> bool:
    """-1 is any size of a shape that a network tells."""
    return len(found) == len(expected) and all(
        wanted is None or one in (-1, wanted) for one, wanted in zip(found, expected, strict=True)
    )


def _axes_of(card: ModelCard) -> Shape:
    """Of the image that the network sees at once."""
    if card.series[0].kind is InputKind.IMAGES or card.inference.mode is Mode.SLICES:
        return None, None
    return card.inference.roi_size or (None, None, None)


def _list(names: Sequence[str] | dict[str, TensorMetadata]) -> str:
    return ", ".join(names) or "none"
