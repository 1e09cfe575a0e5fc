"""An ONNX graph, by ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path

import onnxruntime
import torch

from adapters.runtimes.described import check_described, inputs_in_order, outputs_to_ask_for
from adapters.runtimes.execution import cpu_of
from adapters.runtimes.open_inference import ModelMetadata, TensorMetadata, dtype_of
from adapters.runtimes.tensor_model import TensorModel, file_in
from ai_models.card import ModelCard, Resources
from ai_models.card.runtime import Onnx

_CUDA = "CUDAExecutionProvider"
# As ONNX Runtime names numbers where that is not the name in the Open Inference Protocol.
_OTHER_NAMES = {"FLOAT": "FP32", "FLOAT16": "FP16", "DOUBLE": "FP64"}


def load(card: ModelCard, folder: Path | None) -> TensorModel:
    """Raises MissingFile, DescribedDifferently, and what ONNX Runtime raises for a file that is
    none.
    """
    assert isinstance(card.runtime, Onnx)  # noqa: S101 (as the table of loaders has it)
    session = _session(file_in(folder, card.runtime.file), card.resources)
    metadata = ModelMetadata(_described(session.get_inputs()), _described(session.get_outputs()))
    check_described(card, metadata)
    inputs = inputs_in_order(card, metadata)
    outputs = [one.name for one in outputs_to_ask_for(card, metadata)]

    def network(*tensors: torch.Tensor) -> dict[str, torch.Tensor]:
        given = {
            into.name: one.cpu().numpy().astype(dtype_of(into.datatype), copy=False)
            for into, one in zip(inputs, tensors, strict=True)
        }
        answers = session.run(outputs, given)
        return {name: torch.as_tensor(one) for name, one in zip(outputs, answers, strict=True)}

    # The runtime copies to its own device and back.
    return TensorModel(card, network, cpu_of(card.resources))


def _described(tensors: Sequence[onnxruntime.NodeArg]) -> tuple[TensorMetadata, ...]:
    """A size that the graph leaves open has a name there, or none."""
    return tuple(
        TensorMetadata(
            one.name,
            _datatype(str(one.type)),
            tuple(size if isinstance(size, int) else -1 for size in one.shape),
        )
        for one in tensors
    )


def _datatype(name: str) -> str:
    """tensor(float) -> FP32."""
    number = name.removeprefix("tensor(").removesuffix(")").upper()
    return _OTHER_NAMES.get(number, number)


def _session(file: Path, resources: Resources) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = resources.threads or 0  # 0 = as many as there are cores
    return onnxruntime.InferenceSession(str(file), options, _providers(resources))


def _providers(resources: Resources) -> list[str | tuple[str, dict[str, str]]]:
    """CUDA within the card's memory, where it is wanted and there; behind it the CPU."""
    cpu = "CPUExecutionProvider"
    if resources.device != "cuda" or _CUDA not in onnxruntime.get_available_providers():
        return [cpu]
    limit = resources.gpu_memory_mb << 20
    return [(_CUDA, {"gpu_mem_limit": str(limit)} if limit else {}), cpu]
