"""Whether the sections of a card that speak of tensors fit one another."""

from collections.abc import Iterator

from ai_models.card.inputs import InputKind, InputSeries
from ai_models.card.outputs import HeatMap, Labels, Measure, Output
from ai_models.card.preprocessing import Inference, Mode, Preprocessing
from ai_models.card.runtime import Container, Runtime

_OF_VOXELS = (Labels, HeatMap)
GIVE_FINDINGS = ("python", "ups")
GIVE_TENSORS = ("torchscript", "torch-export", "onnx", "monai-bundle", "kserve")


def misfits(
    runtime: Runtime,
    inputs: tuple[InputSeries, ...],
    preprocessing: Preprocessing,
    inference: Inference,
    outputs: tuple[Output, ...],
) -> Iterator[str]:
    """What is wrong with them, in words."""
    kind = runtime.kind
    if kind in GIVE_FINDINGS and outputs:
        yield f"a runtime of kind {kind} gives findings; expected no [[outputs]]"
    if kind in GIVE_TENSORS and not outputs:
        yield f"a runtime of kind {kind} gives tensors; expected [[outputs]] that explain them"
    if kind in GIVE_TENSORS and len(inputs) != 1:
        yield f"found {len(inputs)} [[inputs]]; a runtime of kind {kind} takes one"
    if outputs and any(one.kind is InputKind.IMAGES for one in inputs):
        yield "[[outputs]] lie on the grid of a volume; expected no input of kind images"
    if kind == "monai-bundle":
        yield from _misfits_of_bundle(preprocessing, inference, outputs)
    if isinstance(runtime, Container):
        yield from _misfits_of_container(runtime, preprocessing, inference, outputs)
    yield from _misfits_of_labels(inputs, inference, outputs)


def _misfits_of_bundle(
    preprocessing: Preprocessing, inference: Inference, outputs: tuple[Output, ...]
) -> Iterator[str]:
    if len(outputs) != 1 or not isinstance(outputs[0], Labels):
        yield f"found {len(outputs)} [[outputs]]; expected one of kind labels, as bundles give"
    if (preprocessing, inference) != (Preprocessing(), Inference()):
        yield "a bundle prepares its input itself; expected no [preprocessing], no [inference]"


def _misfits_of_container(
    runtime: Container,
    preprocessing: Preprocessing,
    inference: Inference,
    outputs: tuple[Output, ...],
) -> Iterator[str]:
    if len(runtime.files) != len(outputs):
        found = f"found {len(runtime.files)} runtime.files and {len(outputs)} [[outputs]]"
        yield f"{found}; expected one file for each"
    if (preprocessing, inference) != (Preprocessing(), Inference()):
        yield "a container prepares its input itself; expected no [preprocessing], no [inference]"


def _misfits_of_labels(
    inputs: tuple[InputSeries, ...], inference: Inference, outputs: tuple[Output, ...]
) -> Iterator[str]:
    labels = [output for output in outputs if isinstance(output, Labels)]
    if len(labels) > 1:
        yield f"found {len(labels)} outputs of kind labels; expected one, with all labels in it"
    if inference.mode is not Mode.WHOLE and not all(isinstance(o, _OF_VOXELS) for o in outputs):
        yield (
            f"inference mode {inference.mode} puts pieces together; expected outputs of kind "
            "labels or heat-map"
        )
    asked = {m for output in labels for label in output.labels for m in label.measure}
    if asked - {Measure.VOLUME} and any(one.modality != ("CT",) for one in inputs):
        yield f"measures {', '.join(sorted(asked))} are in HU; expected modality CT alone"
