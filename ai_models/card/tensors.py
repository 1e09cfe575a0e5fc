"""Whether the sections of a card that speak of tensors fit one another."""

from collections.abc import Iterator

from ai_models.card.channels import Channel, misfits_of_channels
from ai_models.card.inputs import InputKind, InputSeries
from ai_models.card.outputs import (
    Boxes,
    HeatMap,
    Labels,
    Measure,
    Outlines,
    Output,
    Peaks,
    Points,
)
from ai_models.card.preprocessing import Inference, Mode, Preprocessing
from ai_models.card.runtime import Container, Runtime

_OF_VOXELS = (Labels, HeatMap, Peaks)
_OF_VOLUMES = (Labels, HeatMap)
ON_SLICES = (Boxes, Points)  # which a network may tell of each slice by itself
GIVE_FINDINGS = ("python", "ups")
GIVE_TENSORS = ("torchscript", "torch-export", "onnx", "monai-bundle", "kserve")


def misfits(  # noqa: PLR0913 (the sections of a card)
    runtime: Runtime,
    inputs: tuple[InputSeries, ...],
    *,
    channels: tuple[Channel, ...],
    preprocessing: Preprocessing,
    inference: Inference,
    outputs: tuple[Output, ...],
) -> Iterator[str]:
    """What is wrong with them, in words. inputs: the series."""
    kind = runtime.kind
    if kind in GIVE_FINDINGS and outputs:
        yield f"a runtime of kind {kind} gives findings; expected no [[outputs]]"
    if kind not in GIVE_TENSORS and channels:
        yield f"a runtime of kind {kind} is given the series itself; expected no [[channels]]"
    if kind in GIVE_TENSORS:
        if not outputs:
            yield f"a runtime of kind {kind} gives tensors; expected [[outputs]] that explain them"
        yield from misfits_of_channels(inputs, channels)
    yield from _misfits_of_axes(inputs[0], preprocessing, inference, outputs)
    if kind == "monai-bundle":
        yield from _misfits_of_bundle(channels, preprocessing, inference, outputs)
    if isinstance(runtime, Container):
        yield from _misfits_of_container(runtime, inputs[0], preprocessing, inference, outputs)
    yield from _misfits_of_names(outputs)
    yield from _misfits_of_labels(inputs, inference, outputs)


def _misfits_of_axes(
    first: InputSeries,
    preprocessing: Preprocessing,
    inference: Inference,
    outputs: tuple[Output, ...],
) -> Iterator[str]:
    """Images have two axes, and no place in the patient; volumes have three."""
    of_images = first.kind is InputKind.IMAGES
    axes, what = (2, "images") if of_images else (3, "a volume")
    for name, numbers in (("spacing_mm", preprocessing.spacing_mm), ("size", preprocessing.size)):
        if numbers is not None and len(numbers) != axes:
            yield f"{name} {numbers} for {what}; expected {axes} numbers"
    if of_images and preprocessing.orientation:
        yield "images are not turned by their place in the patient; expected no orientation"
    if of_images and inference.mode is not Mode.WHOLE:
        yield f"inference mode {inference.mode} for images; expected whole, one after the other"
    seen = 2 if inference.mode is Mode.SLICES else axes
    for place, one in enumerate(outputs, start=1):
        told = f"output {place} of kind {one.kind}"
        if isinstance(one, _OF_VOLUMES) and of_images:
            yield f"{told} lies on the grid of a volume; expected no input of kind images"
        if isinstance(one, Outlines) and not of_images:
            yield f"{told} is drawn on images; expected labels for a volume, or inputs of images"
        if isinstance(one, Boxes) and one.mode.axes != seen:
            yield f"{told} has mode {one.mode}, of {one.mode.axes} axes; the network sees {seen}"
        if isinstance(one, ON_SLICES) and one.units.is_patient and seen == 2:
            yield f"{told} counts in {one.units}; an image has no place in the patient"


def _misfits_of_bundle(
    channels: tuple[Channel, ...],
    preprocessing: Preprocessing,
    inference: Inference,
    outputs: tuple[Output, ...],
) -> Iterator[str]:
    kinds = [(type(output), any(output.names)) for output in outputs]
    if kinds not in ([(Labels, False)], [(Boxes, True)]):
        yield (
            f"found {len(outputs)} [[outputs]]; expected one as bundles give: labels, or boxes "
            "whose tensors are named"
        )
    if (preprocessing, inference) != (Preprocessing(), Inference()):
        yield "a bundle prepares its input itself; expected no [preprocessing], no [inference]"
    if any(one.window or one.tensor for one in channels):
        yield "a bundle prepares its input itself; expected channels with no window, no tensor"


def _misfits_of_names(outputs: tuple[Output, ...]) -> Iterator[str]:
    named = [name is not None for output in outputs for name in output.names]
    if any(named) and not all(named):
        yield (
            f"{sum(named)} of {len(named)} tensors in [[outputs]] have names; expected all or none"
        )


def _misfits_of_container(
    runtime: Container,
    first: InputSeries,
    preprocessing: Preprocessing,
    inference: Inference,
    outputs: tuple[Output, ...],
) -> Iterator[str]:
    tensors = [name for output in outputs for name in output.names]
    if len(runtime.files) != len(tensors):
        found = (
            f"found {len(runtime.files)} runtime.files and {len(tensors)} tensors in [[outputs]]"
        )
        yield f"{found}; expected one file for each"
    if any(tensors):
        yield "tensors of a container are its files; expected no names in [[outputs]]"
    if outputs and first.kind is InputKind.IMAGES:
        yield "files of a container lie on the grid of a volume; expected no input of kind images"
    if (preprocessing, inference) != (Preprocessing(), Inference()):
        yield "a container prepares its input itself; expected no [preprocessing], no [inference]"


def _misfits_of_labels(
    inputs: tuple[InputSeries, ...], inference: Inference, outputs: tuple[Output, ...]
) -> Iterator[str]:
    by_slice = inference.mode is Mode.SLICES
    labels = [output for output in outputs if isinstance(output, Labels)]
    if len(labels) > 1:
        yield f"found {len(labels)} outputs of kind labels; expected one, with all labels in it"
    of_voxels = all(isinstance(output, _OF_VOXELS) for output in outputs)
    on_slices = all(isinstance(output, ON_SLICES) for output in outputs)
    if not (of_voxels or inference.mode is Mode.WHOLE or (on_slices and by_slice)):
        yield (
            f"inference mode {inference.mode} puts pieces together; expected outputs of kind "
            "labels, heat-map or peaks" + (", or of boxes and points alone" if by_slice else "")
        )
    asked = {m for output in labels for label in output.labels for m in label.measure}
    if asked - {Measure.VOLUME} and inputs[0].modality != ("CT",):
        yield f"measures {', '.join(sorted(asked))} are in HU; expected modality CT alone"
