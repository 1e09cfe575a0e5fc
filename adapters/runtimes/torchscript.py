"""A TorchScript archive (`torch.jit.save`)."""

from pathlib import Path

import torch

from adapters.runtimes.execution import device_for
from adapters.runtimes.tensor_model import TensorModel, file_in
from ai_models.card import ModelCard
from ai_models.card.runtime import TorchScript


def load(card: ModelCard, folder: Path | None) -> TensorModel:
    """Raises MissingFile, and what torch raises for a file that is none."""
    assert isinstance(card.runtime, TorchScript)  # noqa: S101 (as the table of loaders has it)
    device = device_for(card.resources)
    network = torch.jit.load(str(file_in(folder, card.runtime.file)), map_location=device)
    return TensorModel(card, network.eval(), device)
