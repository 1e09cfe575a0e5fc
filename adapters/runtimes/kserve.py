"""A network on a server of the Open Inference Protocol: Triton, MLServer, KServe, and their kin."""

from pathlib import Path

import torch

from adapters.runtimes.described import check_described, inputs_in_order, outputs_to_ask_for
from adapters.runtimes.execution import cpu_of
from adapters.runtimes.open_inference import InferenceServer
from adapters.runtimes.open_inference_http import HttpInferenceServer
from adapters.runtimes.tensor_model import TensorModel
from ai_models.card import ModelCard
from ai_models.card.runtime import KServe


def load(card: ModelCard, folder: Path | None) -> TensorModel:
    """Raises ModelServerAway, DescribedDifferently, InferenceRefused, ProtocolBroken, and
    ModuleNotFoundError for gRPC without the extra `kserve`.

    folder: not used, as the network lies on the server.
    """
    assert isinstance(card.runtime, KServe)  # noqa: S101 (as the table of loaders has it)
    server = _server(card.runtime, card.resources.timeout_seconds)
    metadata = server.metadata()
    check_described(card, metadata)
    server.check_ready()
    inputs = inputs_in_order(card, metadata)
    outputs = outputs_to_ask_for(card, metadata)

    def network(*tensors: torch.Tensor) -> dict[str, torch.Tensor]:
        given = [(into, one.numpy()) for into, one in zip(inputs, tensors, strict=True)]
        answers = server.infer(given, outputs)
        named = zip(outputs, answers, strict=True)
        return {one.name: torch.from_numpy(values) for one, values in named}

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
