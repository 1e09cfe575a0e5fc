"""A network on a server of the Open Inference Protocol: Triton, MLServer, KServe, and their kin."""

from collections.abc import Iterator
from pathlib import Path

import torch

from adapters.runtimes.execution import cpu_of
from adapters.runtimes.open_inference import (
    DATATYPES,
    InferenceServer,
    ModelMetadata,
    TensorMetadata,
)
from adapters.runtimes.open_inference_http import HttpInferenceServer
from adapters.runtimes.tensor_model import TensorModel
from ai_models.card import ModelCard
from ai_models.card.outputs import Classes, HeatMap, Labels, Output, Points, Regression
from ai_models.card.preprocessing import Mode
from ai_models.card.runtime import KServe

_CHANNELS_OF_IMAGE = 1


class ServedDifferently(Exception):
    """What the server says of the model is not what the card says."""

    def __init__(self, misfits: list[str]) -> None:
        self.misfits = misfits
        super().__init__(f"the served model and its card differ: {'; '.join(misfits)}")


def load(card: ModelCard, folder: Path | None) -> TensorModel:
    """Raises ModelServerAway, ServedDifferently, InferenceRefused, ProtocolBroken, and
    ModuleNotFoundError for gRPC without the extra `kserve`.

    folder: not used, as the network lies on the server.
    """
    assert isinstance(card.runtime, KServe)  # noqa: S101 (as the table of loaders has it)
    server = _server(card.runtime, card.resources.timeout_seconds)
    metadata = server.metadata()
    if found := list(misfits(card, metadata)):
        raise ServedDifferently(found)
    server.check_ready()
    (into,) = metadata.inputs

    def network(batch: torch.Tensor) -> list[torch.Tensor]:
        answers = server.infer(batch.numpy(), into, metadata.outputs)
        return [torch.from_numpy(one) for one in answers]

    return TensorModel(card, network, cpu_of(card.resources))


def _server(runtime: KServe, timeout_seconds: float) -> InferenceServer:
    if runtime.url.startswith("http"):
        return HttpInferenceServer(runtime, timeout_seconds)
    try:
        from adapters.runtimes.open_inference_grpc import GrpcInferenceServer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error}; models over gRPC need: pip install 'airgate[kserve]'"
        ) from error
    return GrpcInferenceServer(runtime, timeout_seconds)


def misfits(card: ModelCard, metadata: ModelMetadata) -> Iterator[str]:
    """Where the metadata of a served model contradicts its card, in words."""
    if len(metadata.inputs) != 1:
        yield f"found {len(metadata.inputs)} inputs; expected one image"
    for one in metadata.inputs:
        yield from _misfit(one, _shape_of_image(card))
    if len(metadata.outputs) != len(card.outputs):
        yield f"found {len(metadata.outputs)} outputs; expected {len(card.outputs)}, as in the card"
        return
    slices = card.inference.mode is Mode.SLICES
    for one, output in zip(metadata.outputs, card.outputs, strict=True):
        yield from _misfit(one, _shape_of(output, 2 if slices else 3))


def _misfit(tensor: TensorMetadata, expected: list[int]) -> Iterator[str]:
    """expected: its shape, -1 for any."""
    if tensor.datatype not in DATATYPES:
        yield f"{tensor.name} is of {tensor.datatype}; expected one of {', '.join(DATATYPES)}"
    fits = len(tensor.shape) == len(expected) and all(
        -1 in (found, wanted) or found == wanted
        for found, wanted in zip(tensor.shape, expected, strict=True)
    )
    if not fits:
        yield f"{tensor.name} has shape {list(tensor.shape)}; expected {expected}, -1 for any"


def _shape_of_image(card: ModelCard) -> list[int]:
    if card.inference.mode is Mode.SLICES:
        return [-1, _CHANNELS_OF_IMAGE, -1, -1]
    return [-1, _CHANNELS_OF_IMAGE, *(card.inference.roi_size or (-1, -1, -1))]


def _shape_of(output: Output, axes: int) -> list[int]:
    """With its batch axis. axes: of the image that the network sees."""
    match output:
        case Labels():
            return [-1, output.channels, *[-1] * axes]
        case HeatMap():
            return [-1, 1, *[-1] * axes]
        case Classes():
            return [-1, output.channels]
        case Regression():
            return [-1, 1]
        case Points():
            return [-1, -1, 4]
