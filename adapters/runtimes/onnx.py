"""An ONNX graph, by ONNX Runtime."""

from pathlib import Path

import onnxruntime
import torch

from adapters.runtimes.execution import cpu_of
from adapters.runtimes.tensor_model import TensorModel, file_in
from ai_models.card import ModelCard, Resources
from ai_models.card.runtime import Onnx

_CUDA = "CUDAExecutionProvider"


def load(card: ModelCard, folder: Path | None) -> TensorModel:
    """Raises MissingFile, and what ONNX Runtime raises for a file that is none."""
    assert isinstance(card.runtime, Onnx)  # noqa: S101 (as the table of loaders has it)
    session = _session(file_in(folder, card.runtime.file), card.resources)
    name = session.get_inputs()[0].name

    def network(batch: torch.Tensor) -> list[torch.Tensor]:
        return [torch.as_tensor(one) for one in session.run(None, {name: batch.cpu().numpy()})]

    # The runtime copies to its own device and back.
    return TensorModel(card, network, cpu_of(card.resources))


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
